import { closeSync, constants, fsyncSync, lstatSync, opendirSync, openSync, statSync, utimesSync } from "node:fs";
import { Descriptor, type Filestat, type FileTimes, Filetype } from "../descriptor.ts";
import { Errno, WasiError } from "../errno.ts";
import { filestatOf, filetypeOf, onHost, secondsOf } from "./host.ts";
import type { Mount } from "./mount.ts";
import type { Pinned } from "./pin.ts";

/** Of one directory, that are listed: they are on the host's heap while it is read. */
const MAX_ENTRIES = 1_000_000;

export interface DirectoryEntry {
  readonly name: string;
  readonly filetype: Filetype;
}

/** An open directory: the only way to what is in it. */
export class Directory extends Descriptor {
  override readonly filetype: Filetype = Filetype.directory;
  readonly mount: Mount;
  readonly #held: Pinned;
  readonly #preopen: string | undefined;
  #entries: readonly DirectoryEntry[] | undefined;

  /** @param held from here on this object's */
  constructor(
    mount: Mount,
    held: Pinned,
    rights: { readonly base: bigint; readonly inheriting: bigint },
    preopen?: string,
  ) {
    super(rights.base, rights.inheriting);
    this.mount = mount;
    this.#held = held;
    this.#preopen = preopen;
  }

  override get preopen(): string | undefined {
    return this.#preopen;
  }

  /** Reaches it, as long as it is open. */
  get path(): string {
    return this.#held.path;
  }

  override read(): number {
    throw new WasiError(Errno.isdir);
  }

  override write(): number {
    throw new WasiError(Errno.isdir);
  }

  override pread(): number {
    throw new WasiError(Errno.isdir);
  }

  override pwrite(): number {
    throw new WasiError(Errno.isdir);
  }

  override seek(): bigint {
    throw new WasiError(Errno.isdir);
  }

  override setSize(): void {
    throw new WasiError(Errno.isdir);
  }

  override allocate(): void {
    throw new WasiError(Errno.isdir);
  }

  override advise(): void {
    throw new WasiError(Errno.badf);
  }

  override stat(): Filestat {
    return filestatOf(onHost(() => statSync(this.path, { bigint: true })));
  }

  override setTimes(times: FileTimes): void {
    this.mount.change();
    const { atim, mtim } = this.stat();
    onHost(() => utimesSync(this.path, secondsOf(times.atim ?? atim), secondsOf(times.mtim ?? mtim)));
  }

  override sync(): void {
    const fd = onHost(() => openSync(this.path, constants.O_RDONLY));
    try {
      onHost(() => fsyncSync(fd));
    } finally {
      closeSync(fd);
    }
  }

  /**
   * What is in it, "." and ".." first: as it was when the list was begun, so that what a guest removes meanwhile shifts nothing.
   *
   * @param fresh whether the list is begun anew
   * @throws WasiError `nomem` if there are more than a million entries
   */
  entries(fresh: boolean): readonly DirectoryEntry[] {
    if (fresh || this.#entries === undefined) this.#entries = this.#list();
    return this.#entries;
  }

  /** @returns 0 if it is not known */
  inodeOf({ name }: DirectoryEntry): bigint {
    // What is above is not the guest's to know.
    if (name === "..") return 0n;
    try {
      return BigInt.asUintN(64, lstatSync(`${this.path}/${name}`, { bigint: true }).ino);
    } catch {
      return 0n;
    }
  }

  override close(): void {
    this.#held.release();
  }

  #list(): DirectoryEntry[] {
    const entries = [".", ".."].map((name): DirectoryEntry => ({ name, filetype: Filetype.directory }));
    const directory = onHost(() => opendirSync(this.path, { bufferSize: 256 }));
    try {
      for (;;) {
        const found = onHost(() => directory.readSync());
        if (found === null) return entries;
        if (entries.length === MAX_ENTRIES) throw new WasiError(Errno.nomem);
        const { name } = found;
        // WASI has names in UTF-8 only: what has another could not be opened.
        if (!name.includes("\ufffd")) entries.push({ name, filetype: filetypeOf(found) });
      }
    } finally {
      directory.closeSync();
    }
  }
}
