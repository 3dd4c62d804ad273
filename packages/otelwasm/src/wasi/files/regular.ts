import {
  closeSync,
  constants,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  futimesSync,
  openSync,
  readvSync,
  writevSync,
} from "node:fs";
import { Descriptor, Fdflags, type Filestat, type FileTimes, Filetype, Whence } from "../descriptor.ts";
import { Errno, WasiError } from "../errno.ts";
import { filestatOf, onHost, positionOf, secondsOf } from "./host.ts";
import type { Mount } from "./mount.ts";

const { O_APPEND, O_RDONLY, O_RDWR, O_WRONLY } = constants;
// Windows has none of these, and macOS not all.
const O_SYNC = constants.O_SYNC ?? 0;
const O_DSYNC = constants.O_DSYNC ?? O_SYNC;
const O_NOFOLLOW = constants.O_NOFOLLOW ?? 0;
const O_NONBLOCK = constants.O_NONBLOCK ?? 0;

const MAX_POSITION = 2n ** 63n - 1n;

export interface Access {
  readonly read: boolean;
  readonly write: boolean;
  /** Bits of `Fdflags`. */
  readonly flags: number;
}

/**
 * Opens a file.
 *
 * @param path of a place, or of something pinned
 * @param state `new`: made, and nothing may be there; `existing`: what is there
 * @returns a descriptor of the host @throws WasiError
 */
export function openFile(path: string, access: Access, state: "new" | "existing"): number {
  const how = state === "new" ? constants.O_CREAT | constants.O_EXCL | O_NOFOLLOW : 0;
  return onHost(() => openSync(path, how | openFlags(access), 0o666));
}

/** Makes an open file empty. @throws WasiError, after it was closed */
export function truncateOrClose(fd: number): void {
  try {
    onHost(() => ftruncateSync(fd, 0));
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function openFlags({ read, write, flags }: Access): number {
  const mode = write ? (read ? O_RDWR : O_WRONLY) : O_RDONLY;
  const append = (flags & Fdflags.append) === 0 ? 0 : O_APPEND;
  const dsync = (flags & Fdflags.dsync) === 0 ? 0 : O_DSYNC;
  const sync = (flags & (Fdflags.sync | Fdflags.rsync)) === 0 ? 0 : O_SYNC;
  // Files never make wait for data; whatever else took the file's place does not either.
  return mode | append | dsync | sync | O_NONBLOCK;
}

/** An open file. The position is kept here: Node.js has no call for the system's. */
export class RegularFile extends Descriptor {
  override readonly filetype: Filetype = Filetype.regularFile;
  readonly #mount: Mount;
  #fd: number;
  readonly #access: Access;
  #position = 0n;

  /** @param fd of the host; from here on this object's */
  constructor(mount: Mount, fd: number, access: Access, rights: bigint) {
    super(rights);
    this.#mount = mount;
    this.#fd = fd;
    this.#access = access;
    this.flags = access.flags;
  }

  override read(buffers: readonly Uint8Array[]): number {
    const read = this.pread(buffers, this.#position);
    this.#position += BigInt(read);
    return read;
  }

  override write(buffers: readonly Uint8Array[]): number {
    if ((this.flags & Fdflags.append) === 0) {
      const written = this.pwrite(buffers, this.#position);
      this.#position += BigInt(written);
      return written;
    }
    if (buffers.length === 0) return 0;
    const written = onHost(() => writevSync(this.#fd, buffers));
    this.#position = onHost(() => fstatSync(this.#fd, { bigint: true })).size;
    return written;
  }

  override pread(buffers: readonly Uint8Array[], offset: bigint): number {
    // Nothing is there.
    if (buffers.length === 0 || offset > BigInt(Number.MAX_SAFE_INTEGER)) return 0;
    return onHost(() => readvSync(this.#fd, buffers, Number(offset)));
  }

  override pwrite(buffers: readonly Uint8Array[], offset: bigint): number {
    if (buffers.length === 0) return 0;
    const position = positionOf(offset);
    return onHost(() => writevSync(this.#fd, buffers, position));
  }

  override seek(offset: bigint, whence: Whence): bigint {
    const base = whence === Whence.set ? 0n : whence === Whence.cur ? this.#position : this.stat().size;
    const position = base + offset;
    if (position < 0n || position > MAX_POSITION) throw new WasiError(Errno.inval);
    this.#position = position;
    return position;
  }

  override stat(): Filestat {
    return filestatOf(onHost(() => fstatSync(this.#fd, { bigint: true })));
  }

  override setSize(size: bigint): void {
    this.#mount.change();
    const length = positionOf(size);
    onHost(() => ftruncateSync(this.#fd, length));
  }

  override setTimes(times: FileTimes): void {
    this.#mount.change();
    const { atim, mtim } = this.stat();
    onHost(() => futimesSync(this.#fd, secondsOf(times.atim ?? atim), secondsOf(times.mtim ?? mtim)));
  }

  /** Node.js has no call that takes the room on the device: the file gets its size, which is the part that can be seen. */
  override allocate(offset: bigint, size: bigint): void {
    this.#mount.change();
    if (size === 0n) throw new WasiError(Errno.inval);
    if (offset + size > this.stat().size) this.setSize(offset + size);
  }

  override advise(): void {}

  override sync(data: boolean): void {
    onHost(() => (data ? fdatasyncSync(this.#fd) : fsyncSync(this.#fd)));
  }

  /** What the system has to know of is told to it by opening the file anew, through the descriptor, so that it is the same file. */
  override setFlags(flags: number): void {
    const access = { ...this.#access, flags };
    if (openFlags(access) !== openFlags({ ...access, flags: this.flags })) {
      if (process.platform !== "linux") throw new WasiError(Errno.notsup);
      const fd = openFile(`/proc/self/fd/${this.#fd}`, access, "existing");
      closeSync(this.#fd);
      this.#fd = fd;
    }
    this.flags = flags;
  }

  override close(): void {
    onHost(() => closeSync(this.#fd));
  }
}
