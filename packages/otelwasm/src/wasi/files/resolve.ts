import { readlinkSync } from "node:fs";
import { Errno, WasiError } from "../errno.ts";
import { onHost } from "./host.ts";
import { checkName, type Pin, type Pinned } from "./pin.ts";

/** As Linux has it. */
const MAX_LINKS = 40;
/** Directories on the way that are held at once, each by a descriptor of the host. */
const MAX_DEPTH = 256;

/** A path that leads out of the directory that it starts in, or that a link on it would. */
export class OutsideError extends WasiError {
  constructor(detail: string) {
    super(Errno.perm, detail);
  }
}

/** Where a path leads to: a name in a directory that is held. */
export class Place {
  /** To what the name stands for, if it stands for anything. Its last part is "." if the path ends in a directory's own name. */
  readonly path: string;
  readonly #pin: Pin;
  #found: Pinned | undefined;
  readonly #way: readonly Pinned[];

  /** @param found what is there, if that is known; this and the way to it are from here on this object's */
  constructor(pin: Pin, path: string, found: Pinned | undefined, way: readonly Pinned[]) {
    this.#pin = pin;
    this.path = path;
    this.#found = found;
    this.#way = way;
  }

  /** What is there, a link itself included; `undefined` if nothing is. Good until `release`. */
  look(): Pinned | undefined {
    this.#found ??= find(this.#pin, this.path);
    return this.#found;
  }

  /** What `look` found is from now on the caller's to release. */
  keep(): void {
    this.#found = undefined;
  }

  release(): void {
    this.#found?.release();
    this.#found = undefined;
    for (const directory of this.#way) directory.release();
  }
}

function find(pin: Pin, path: string): Pinned | undefined {
  try {
    return pin(path);
  } catch (error) {
    if (error instanceof WasiError && error.errno === Errno.noent) return undefined;
    throw error;
  }
}

/**
 * Walks a path, name by name. Links on the way are followed, and have to stay inside as the path itself has to.
 *
 * @param root the directory; stays the caller's
 * @param path relative, with "/"
 * @param follow whether a link in the last name is followed
 * @returns what the caller must release
 * @throws OutsideError; WasiError `noent`, `notdir`, `loop`, `nametoolong`, `acces`, ...
 */
export function resolvePath(pin: Pin, root: string, path: string, follow: boolean): Place {
  const walk = new Walk(pin, root);
  try {
    return walk.to(path, follow);
  } catch (error) {
    walk.release();
    throw error;
  }
}

class Walk {
  readonly #pin: Pin;
  readonly #root: string;
  /** The directories from the root to where the walk is. */
  readonly #way: Pinned[] = [];
  /** The names that are to come, the next one last. */
  #names: string[] = [];
  #links = 0;

  constructor(pin: Pin, root: string) {
    this.#pin = pin;
    this.#root = root;
  }

  to(path: string, follow: boolean): Place {
    this.#append(path);
    for (;;) {
      const name = this.#names.pop();
      if (name === undefined) return this.#place(".", this.#pin(`${this.#here}/.`));
      if (name === "..") this.#up();
      else {
        checkName(name);
        const last = this.#names.length === 0;
        if (last && !follow) return this.#place(name, undefined);
        const found = find(this.#pin, `${this.#here}/${name}`);
        if (found === undefined) {
          if (last) return this.#place(name, undefined);
          throw new WasiError(Errno.noent);
        }
        if (found.stats.isSymbolicLink()) this.#follow(found, name);
        else if (last) return this.#place(name, found);
        else this.#into(found);
      }
    }
  }

  release(): void {
    for (const directory of this.#way.splice(0)) directory.release();
  }

  get #here(): string {
    return this.#way.at(-1)?.path ?? this.#root;
  }

  #place(name: string, found: Pinned | undefined): Place {
    return new Place(this.#pin, `${this.#here}/${name}`, found, this.#way);
  }

  /** Names that come before those that are there. */
  #append(path: string): void {
    if (path.startsWith("/")) throw new OutsideError(`"${path}" is absolute`);
    const names = path.split("/").filter((name) => name !== "" && name !== ".");
    this.#names.push(...names.reverse());
  }

  #up(): void {
    const left = this.#way.pop();
    if (left === undefined) throw new OutsideError('".." leads out of it');
    left.release();
  }

  #follow(link: Pinned, name: string): void {
    link.release();
    if (++this.#links > MAX_LINKS) throw new WasiError(Errno.loop);
    const target = onHost(() => readlinkSync(`${this.#here}/${name}`));
    if (isAbsolute(target)) throw new OutsideError(`the link "${name}" is absolute: ${target}`);
    this.#append(target);
  }

  #into(found: Pinned): void {
    if (!found.stats.isDirectory()) {
      found.release();
      throw new WasiError(Errno.notdir);
    }
    if (this.#way.length === MAX_DEPTH) {
      found.release();
      throw new WasiError(Errno.nametoolong);
    }
    this.#way.push(found);
  }
}

/** Of a link's target, on any platform. */
export function isAbsolute(target: string): boolean {
  return /^(?:[/\\]|[a-z]:)/i.test(target);
}
