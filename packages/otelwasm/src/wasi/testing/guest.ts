/** A guest that does what it is told: each function of WASI, called through WebAssembly, with its memory filled and read here. */
import assert from "node:assert/strict";
import type { Memory, ModuleInstance, Runtime, Value } from "../../runtime/contract.ts";
import { wat } from "../../runtime/testing/wat.ts";
import { Errno } from "../errno.ts";
import { createWasi, type Wasi, type WasiServices } from "../index.ts";
import { forwarder, LIST, RESULT } from "./signatures.ts";

export type ErrnoName = keyof typeof Errno;

export const Lookup = { nofollow: 0, follow: 1 } as const;
export const Oflag = { creat: 1, directory: 2, excl: 4, trunc: 8 } as const;
export const READ: bigint = 1n << 1n;
export const WRITE: bigint = 1n << 6n;
/** What Go and Rust ask for, more or less: everything. */
export const ALL_RIGHTS: bigint = (1n << 28n) - 1n;

const TEXTS = 8192;
const BUFFER = 65_536;
const PAGES = 4;
const BUFFER_SIZE = (PAGES - 1) * 65_536;

const GUEST = wat(forwarder(PAGES));

/** An errno that is not success. */
class GuestErrno extends Error {
  readonly errno: ErrnoName;

  constructor(errno: ErrnoName, call: string) {
    super(`${call}: ${errno}`);
    this.errno = errno;
  }
}

/** What something fails with; `success` if it does not. What is no errno goes on. */
export function errnoOf(attempt: () => unknown): ErrnoName {
  try {
    attempt();
    return "success";
  } catch (error) {
    if (error instanceof GuestErrno) return error.errno;
    throw error;
  }
}

export interface OpenOptions {
  readonly lookup?: number;
  readonly oflags?: number;
  readonly rights?: bigint;
  readonly inheriting?: bigint;
  readonly fdflags?: number;
}

export interface Stat {
  readonly ino: bigint;
  readonly filetype: number;
  readonly nlink: bigint;
  readonly size: bigint;
  readonly atim: bigint;
  readonly mtim: bigint;
}

export interface Dirent {
  readonly next: bigint;
  readonly ino: bigint;
  readonly type: number;
  readonly name: string;
}

export class WasiGuest {
  readonly memory: Memory;
  readonly #instance: ModuleInstance;
  readonly #wasi: Wasi;
  readonly #release: () => Promise<void>;
  #texts = TEXTS;

  static async create(runtime: Runtime, services: WasiServices = {}): Promise<WasiGuest> {
    const module = await runtime.compile(GUEST);
    const wasi = createWasi(services);
    const { instance, context } = await runtime.instantiateWithHost(module, { functions: wasi.functions });
    return new WasiGuest(wasi, instance, async () => {
      await instance.close();
      await context.close();
      await module.close();
    });
  }

  private constructor(wasi: Wasi, instance: ModuleInstance, release: () => Promise<void>) {
    assert.ok(instance.memory !== undefined);
    this.memory = instance.memory;
    this.#wasi = wasi;
    this.#instance = instance;
    this.#release = release;
  }

  /** Releases what it has open, and the instance. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#wasi.close();
    await this.#release();
  }

  /** What the host holds for it. */
  get wasi(): Wasi {
    return this.#wasi;
  }

  /** @throws GuestErrno; WasmError if it traps */
  call(name: string, ...params: Value[]): void {
    const result = this.raw(name, ...params);
    const errno = (Object.keys(Errno) as ErrnoName[]).find((key) => Errno[key] === result);
    assert.ok(errno !== undefined, `${name} answered ${result}`);
    this.#texts = TEXTS;
    if (errno !== "success") throw new GuestErrno(errno, `${name}(${params.join(", ")})`);
  }

  /** @returns the errno as a number */
  raw(name: string, ...params: Value[]): unknown {
    const called = this.#instance.function(name);
    assert.ok(called !== undefined, name);
    return called.call(...params);
  }

  /** A text in the guest's memory, until the next call has returned. @returns pointer and size */
  text(text: string | Uint8Array): [number, number] {
    const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
    const at = this.#texts;
    this.memory.write(at, bytes);
    this.#texts += bytes.length;
    return [at, bytes.length];
  }

  u32(at: number = RESULT): number {
    return this.memory.view().getUint32(at, true);
  }

  u64(at: number = RESULT): bigint {
    return this.memory.view().getBigUint64(at, true);
  }

  /** A list of buffers. @returns pointer and count */
  list(buffers: readonly (readonly [number, number])[]): [number, number] {
    const view = this.memory.view();
    buffers.forEach(([pointer, size], i) => {
      view.setUint32(LIST + i * 8, pointer, true);
      view.setUint32(LIST + i * 8 + 4, size, true);
    });
    return [LIST, buffers.length];
  }

  open(dir: number, path: string | Uint8Array, options: OpenOptions = {}): number {
    const { lookup = Lookup.follow, oflags = 0, rights = READ, inheriting = ALL_RIGHTS, fdflags = 0 } = options;
    this.call("path_open", dir, lookup, ...this.text(path), oflags, rights, inheriting, fdflags, RESULT);
    return this.u32();
  }

  /** A directory, with all that it gives. */
  openDirectory(dir: number, path: string): number {
    return this.open(dir, path, { oflags: Oflag.directory, rights: ALL_RIGHTS });
  }

  /** Makes a file, or a file empty, and leaves it open for everything. */
  create(dir: number, path: string, content = "", options: OpenOptions = {}): number {
    const fd = this.open(dir, path, { oflags: Oflag.creat | Oflag.trunc, rights: ALL_RIGHTS, ...options });
    if (content !== "") this.write(fd, content);
    return fd;
  }

  write(fd: number, text: string): number {
    this.call("fd_write", fd, ...this.list([this.text(text)]), RESULT);
    return this.u32();
  }

  read(fd: number, size = 1024): string {
    this.call("fd_read", fd, ...this.list([[BUFFER, size]]), RESULT);
    return this.#string(BUFFER, this.u32());
  }

  pread(fd: number, offset: bigint, size = 1024): string {
    this.call("fd_pread", fd, ...this.list([[BUFFER, size]]), offset, RESULT);
    return this.#string(BUFFER, this.u32());
  }

  pwrite(fd: number, text: string, offset: bigint): number {
    this.call("fd_pwrite", fd, ...this.list([this.text(text)]), offset, RESULT);
    return this.u32();
  }

  seek(fd: number, offset: bigint, whence: number): bigint {
    this.call("fd_seek", fd, offset, whence, RESULT);
    return this.u64();
  }

  /** The whole content of a file. */
  readFile(dir: number, path: string): string {
    const fd = this.open(dir, path);
    const text = this.read(fd, BUFFER_SIZE);
    this.call("fd_close", fd);
    return text;
  }

  stat(dir: number, path: string, lookup: number = Lookup.nofollow): Stat {
    this.call("path_filestat_get", dir, lookup, ...this.text(path), RESULT);
    return this.#stat();
  }

  fstat(fd: number): Stat {
    this.call("fd_filestat_get", fd, RESULT);
    return this.#stat();
  }

  fdstat(fd: number): { filetype: number; flags: number; rights: bigint; inheriting: bigint } {
    this.call("fd_fdstat_get", fd, RESULT);
    const view = this.memory.view();
    return {
      filetype: view.getUint8(RESULT),
      flags: view.getUint16(RESULT + 2, true),
      rights: this.u64(RESULT + 8),
      inheriting: this.u64(RESULT + 16),
    };
  }

  mkdir(dir: number, path: string): void {
    this.call("path_create_directory", dir, ...this.text(path));
  }

  rmdir(dir: number, path: string): void {
    this.call("path_remove_directory", dir, ...this.text(path));
  }

  unlink(dir: number, path: string): void {
    this.call("path_unlink_file", dir, ...this.text(path));
  }

  symlink(target: string, dir: number, path: string): void {
    const at = this.text(target);
    this.call("path_symlink", ...at, dir, ...this.text(path));
  }

  link(dir: number, path: string, toDir: number, toPath: string, lookup: number = Lookup.nofollow): void {
    const from = this.text(path);
    this.call("path_link", dir, lookup, ...from, toDir, ...this.text(toPath));
  }

  rename(dir: number, path: string, toDir: number, toPath: string): void {
    const from = this.text(path);
    this.call("path_rename", dir, ...from, toDir, ...this.text(toPath));
  }

  readlink(dir: number, path: string, size = 1024): string {
    this.call("path_readlink", dir, ...this.text(path), BUFFER, size, RESULT);
    return this.#string(BUFFER, this.u32());
  }

  setTimes(dir: number, path: string, atim: bigint, mtim: bigint, flags: number, lookup: number = 0): void {
    this.call("path_filestat_set_times", dir, lookup, ...this.text(path), atim, mtim, flags);
  }

  /** One call. @returns the whole entries, and whether the buffer was filled to its end */
  readdirOnce(fd: number, cookie: bigint, size: number): { entries: Dirent[]; full: boolean } {
    this.call("fd_readdir", fd, BUFFER, size, cookie, RESULT);
    const used = this.u32();
    const view = this.memory.view();
    const entries: Dirent[] = [];
    for (let at = BUFFER; at + 24 <= BUFFER + used; ) {
      const length = view.getUint32(at + 16, true);
      if (at + 24 + length > BUFFER + used) break;
      entries.push({
        next: view.getBigUint64(at, true),
        ino: view.getBigUint64(at + 8, true),
        type: view.getUint8(at + 20),
        name: this.#string(at + 24, length),
      });
      at += 24 + length;
    }
    return { entries, full: used === size };
  }

  /** All of it, as a C library reads it. */
  readdir(fd: number, size = 4096): Dirent[] {
    const all: Dirent[] = [];
    for (let cookie = 0n; ; cookie = all.at(-1)?.next ?? 0n) {
      const { entries, full } = this.readdirOnce(fd, cookie, size);
      all.push(...entries);
      if (!full) return all;
    }
  }

  /** What `args_get` or `environ_get` gives. */
  texts(name: "args" | "environ"): string[] {
    this.call(`${name}_sizes_get`, RESULT, RESULT + 4);
    const [count, size] = [this.u32(), this.u32(RESULT + 4)];
    this.memory.bytes().fill(0xaa, BUFFER, BUFFER + BUFFER_SIZE);
    const end = BUFFER + count * 4 + size;
    this.call(`${name}_get`, BUFFER, BUFFER + count * 4);
    assert.equal(this.memory.bytes()[end], 0xaa);
    return Array.from({ length: count }, (_, i) => {
      const at = this.u32(BUFFER + i * 4);
      return this.#string(at, this.memory.bytes().indexOf(0, at) - at);
    });
  }

  #stat(): Stat {
    return {
      ino: this.u64(RESULT + 8),
      filetype: this.memory.view().getUint8(RESULT + 16),
      nlink: this.u64(RESULT + 24),
      size: this.u64(RESULT + 32),
      atim: this.u64(RESULT + 40),
      mtim: this.u64(RESULT + 48),
    };
  }

  #string(at: number, size: number): string {
    return new TextDecoder().decode(this.memory.read(at, size));
  }
}

/** Each call, and what it answers. */
export function answers(
  guest: WasiGuest,
  calls: readonly (readonly [(guest: WasiGuest) => unknown, ErrnoName])[],
): void {
  for (const [call, errno] of calls)
    assert.equal(
      errnoOf(() => call(guest)),
      errno,
      String(call),
    );
}
