// Compiles the guest that exports regular expressions and the digest, and calls it as JavaScript would call its own.
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";
import { type Memory, WebAssembly } from "../webassembly.ts";

interface Exports {
  memory: Memory;
  allocate(size: number): number;
  release(ptr: number): void;
  compile(ptr: number, size: number): number;
  errorPointer(): number;
  errorSize(): number;
  errorPosition(): number;
  groups(regexp: number): number;
  groupName(regexp: number, group: number): void;
  match(regexp: number, ptr: number, size: number): number;
  exec(regexp: number, ptr: number, size: number): number;
  groupStart(regexp: number, group: number): number;
  groupEnd(regexp: number, group: number): number;
  steps(regexp: number): number;
  forget(): void;
  sha256(from: number, size: number, to: number): void;
}

/** `[start, end]` in bytes for each group, the whole match first; -1 for a group that took no part. */
export type Spans = [number, number][];

export class GuestRegexp {
  readonly names: string[];
  readonly #guest: Guest;
  readonly #index: number;

  constructor(guest: Guest, index: number) {
    this.#guest = guest;
    this.#index = index;
    this.names = Array.from({ length: guest.exports.groups(index) }, (_, group) => {
      guest.exports.groupName(index, group);
      return guest.text();
    });
  }

  match(text: string | Uint8Array): boolean {
    return this.#guest.with(text, (ptr, size) => this.#guest.exports.match(this.#index, ptr, size) !== 0);
  }

  exec(text: string | Uint8Array): Spans | undefined {
    const { exports } = this.#guest;
    return this.#guest.with(text, (ptr, size) =>
      exports.exec(this.#index, ptr, size) === 0
        ? undefined
        : this.names.map((_, group) => [exports.groupStart(this.#index, group), exports.groupEnd(this.#index, group)]),
    );
  }

  get steps(): number {
    return this.#guest.exports.steps(this.#index);
  }
}

export class Guest {
  readonly exports: Exports;

  constructor(exports: Exports) {
    this.exports = exports;
  }

  /** What {@link Exports.errorPointer} points at. */
  text(): string {
    const { memory, errorPointer, errorSize } = this.exports;
    return new TextDecoder().decode(new Uint8Array(memory.buffer, errorPointer(), errorSize()));
  }

  /** Lends `text` to the guest: `read` may call it with the address and the size. */
  with<T>(text: string | Uint8Array, read: (ptr: number, size: number) => T): T {
    const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
    const ptr = this.exports.allocate(bytes.length + 1);
    new Uint8Array(this.exports.memory.buffer).set(bytes, ptr);
    const result = read(ptr, bytes.length);
    this.exports.release(ptr);
    return result;
  }

  /** @throws {SyntaxError} with the guest's message; its `cause` is the offset */
  compile(pattern: string): GuestRegexp {
    const index = this.with(pattern, (ptr, size) => this.exports.compile(ptr, size));
    if (index < 0) throw new SyntaxError(this.text(), { cause: this.exports.errorPosition() });
    return new GuestRegexp(this, index);
  }

  sha256(bytes: Uint8Array): string {
    return this.with(bytes, (ptr, size) => {
      const to = this.exports.allocate(64);
      this.exports.sha256(ptr, size, to);
      const hex = new TextDecoder().decode(new Uint8Array(this.exports.memory.buffer, to, 64));
      this.exports.release(to);
      return hex;
    });
  }
}

export async function compileGuest(): Promise<Guest> {
  const source = fileURLToPath(new URL("assembly/guest.ts", import.meta.url));
  const folder = await mkdtemp(join(tmpdir(), "otelwasm-regexp-"));
  try {
    const file = join(folder, "guest.wasm");
    const { error, stderr } = await asc.main([
      source,
      "-O3",
      "--runtime",
      "minimal",
      "--outFile",
      file,
      "--baseDir",
      "/",
    ]);
    if (error !== null) throw new Error(stderr.toString(), { cause: error });
    let memory: ArrayBufferLike | undefined;
    /** AssemblyScript's strings are UTF-16; their size in bytes stands in front of them. */
    const string = (ptr: number): string => {
      if (memory === undefined || ptr === 0) return "";
      const size = new DataView(memory).getUint32(ptr - 4, true);
      return new TextDecoder("utf-16le").decode(new Uint8Array(memory, ptr, size));
    };
    const instance = new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array(readFileSync(file))), {
      env: {
        abort: (message: number, source: number, line: number) => {
          memory = guest.exports.memory.buffer;
          throw new Error(`the guest aborted: ${string(message)} at ${string(source)}:${line}`);
        },
      },
    });
    // The shape is the guest's own source, beside this file.
    const guest = new Guest(instance.exports as object as Exports);
    return guest;
  } finally {
    await rm(folder, { recursive: true });
  }
}
