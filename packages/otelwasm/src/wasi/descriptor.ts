import { Errno, WasiError } from "./errno.ts";

/** https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md#filetype */
export const Filetype = {
  unknown: 0,
  blockDevice: 1,
  characterDevice: 2,
  directory: 3,
  regularFile: 4,
  socketDgram: 5,
  socketStream: 6,
  symbolicLink: 7,
} as const;
export type Filetype = (typeof Filetype)[keyof typeof Filetype];

/** https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md#fdflags, as bits. */
export const Fdflags = { append: 1, dsync: 2, nonblock: 4, rsync: 8, sync: 16 } as const;

/** What `poll_oneoff` says of a descriptor that is ready. */
export interface Readiness {
  /** Bytes that can be read or written now, as far as is known. */
  readonly bytes: bigint;
  /** The other side has closed: `event_rw_flags::fd_readwrite_hangup`. */
  readonly hangup: boolean;
}

/** https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md#filestat: times in nanoseconds since 1970. */
export interface Filestat {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly filetype: Filetype;
  readonly nlink: bigint;
  readonly size: bigint;
  readonly atim: bigint;
  readonly mtim: bigint;
  readonly ctim: bigint;
}

/** Nanoseconds since 1970; `undefined` leaves a time as it is. */
export interface FileTimes {
  readonly atim: bigint | undefined;
  readonly mtim: bigint | undefined;
}

/** https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md#whence */
export const Whence = { set: 0, cur: 1, end: 2 } as const;
export type Whence = (typeof Whence)[keyof typeof Whence];

/**
 * An open file descriptor of a guest. What a kind of descriptor cannot do is an errno: subclasses override what theirs can. Everything here throws
 * `WasiError`; buffers are views of the guest's memory, good during the call. Rights were checked before.
 */
export abstract class Descriptor {
  abstract readonly filetype: Filetype;
  /** Bits of `Fdflags`. */
  flags = 0;
  /** https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md#rights: of the descriptor, and of those opened through it. */
  rights: bigint;
  inheriting: bigint;

  constructor(rights: bigint, inheriting = 0n) {
    this.rights = rights;
    this.inheriting = inheriting;
  }

  /** The path of a directory that was open before the guest ran; `undefined` for all others. */
  get preopen(): string | undefined {
    return undefined;
  }

  /** @returns bytes read; 0 at the end */
  read(_buffers: readonly Uint8Array[]): number {
    throw new WasiError(Errno.badf);
  }

  /** @returns bytes written */
  write(_buffers: readonly Uint8Array[]): number {
    throw new WasiError(Errno.badf);
  }

  /** Does not move the position. @param offset an unsigned 64-bit number @returns bytes read; 0 at the end */
  pread(_buffers: readonly Uint8Array[], _offset: bigint): number {
    throw new WasiError(Errno.spipe);
  }

  /** Does not move the position. @param offset an unsigned 64-bit number @returns bytes written */
  pwrite(_buffers: readonly Uint8Array[], _offset: bigint): number {
    throw new WasiError(Errno.spipe);
  }

  /** @returns the new position */
  seek(_offset: bigint, _whence: Whence): bigint {
    throw new WasiError(Errno.spipe);
  }

  stat(): Filestat {
    return { dev: 0n, ino: 0n, filetype: this.filetype, nlink: 1n, size: 0n, atim: 0n, mtim: 0n, ctim: 0n };
  }

  /** @param size in bytes, an unsigned 64-bit number */
  setSize(_size: bigint): void {
    throw new WasiError(Errno.inval);
  }

  setTimes(_times: FileTimes): void {
    throw new WasiError(Errno.inval);
  }

  /** Makes sure that there is room for these bytes, and that the file is at least so long. Both are unsigned 64-bit numbers. */
  allocate(_offset: bigint, _size: bigint): void {
    throw new WasiError(Errno.spipe);
  }

  /** Whether it has positions, so that advice about parts of it means something. @throws WasiError if not */
  advise(): void {
    throw new WasiError(Errno.spipe);
  }

  /** Waits until what was written is on the device. @param data the file's bytes only, not its times */
  sync(_data: boolean): void {
    throw new WasiError(Errno.inval);
  }

  /** @param flags bits of `Fdflags` */
  setFlags(flags: number): void {
    this.flags = flags;
  }

  /**
   * Without a wait and without a round trip to another thread: called for each subscription of each `poll_oneoff`.
   *
   * @returns `undefined` while it is not ready
   */
  readiness(_kind: "read" | "write"): Readiness | undefined {
    return { bytes: 0n, hangup: false };
  }

  /** Releases what the host holds for it. The table calls it once. */
  close(): void {}
}

/** More than any guest has open; each costs the host something. */
const MAX_DESCRIPTORS = 1024;

/** The descriptors of one instance. Numbers are given from the lowest free one, as POSIX has it. */
export class DescriptorTable {
  readonly #slots: (Descriptor | undefined)[] = [];
  #open = 0;

  /** @returns its number @throws WasiError `mfile` */
  add(descriptor: Descriptor): number {
    if (this.#open === MAX_DESCRIPTORS) throw new WasiError(Errno.mfile);
    let fd = this.#slots.indexOf(undefined);
    if (fd < 0) fd = this.#slots.length;
    this.#slots[fd] = descriptor;
    this.#open++;
    return fd;
  }

  /** @throws WasiError `badf` */
  get(fd: number): Descriptor {
    const descriptor = this.#slots[fd];
    if (descriptor === undefined) throw new WasiError(Errno.badf);
    return descriptor;
  }

  /** Closes it. @throws WasiError `badf`, or what the close failed with (it is closed then, too) */
  close(fd: number): void {
    const descriptor = this.get(fd);
    this.#slots[fd] = undefined;
    this.#open--;
    descriptor.close();
  }

  /** `fd_renumber`: what was at `to` is closed. @throws WasiError `badf` */
  renumber(from: number, to: number): void {
    const descriptor = this.get(from);
    if (from === to) return;
    this.close(to);
    this.#slots[from] = undefined;
    this.#slots[to] = descriptor;
  }

  /** When the instance ends, whatever the guest left open. */
  closeAll(): void {
    this.#slots.forEach((descriptor, fd) => {
      if (descriptor === undefined) return;
      try {
        this.close(fd);
      } catch {
        // Nobody is there to be told; the descriptor is released.
      }
    });
  }
}
