/**
 * Calls into shared libraries, by koffi. It is loaded when the first native engine is, so that a collector without one never needs it. Addresses are numbers, which hold those of a
 * user's process; a library's functions take them as `size_t`.
 */
import { createRequire } from "node:module";
import type { default as Koffi, LibraryHandle } from "koffi";
import { WasmError } from "../errors.ts";

export type Address = number;
export const NULL: Address = 0;

/** The C functions of a library: the types of their parameters, `=`, and that of the result; only the latter where there are none. */
export type Signatures = Readonly<Record<string, string>>;
export type NativeFunction = ((...args: unknown[]) => number) & {
  async(...args: [...unknown[], (error: unknown, result: number) => void]): void;
};

/** Bytes of the stack that C code has, a guest's own frames included. It is reserved, not used. */
const STACK_BYTES = 16 * 1024 * 1024;

let loaded: typeof Koffi | undefined;

/** @throws WasmError `unsupported` where koffi has no build for the platform */
export function ffi(): typeof Koffi {
  if (loaded !== undefined) return loaded;
  try {
    loaded = createRequire(import.meta.url)("koffi") as typeof Koffi;
  } catch (cause) {
    throw new WasmError(
      "unsupported",
      `native engines need the package koffi, which has no build for ${process.platform}-${process.arch}`,
      { cause },
    );
  }
  // Before the first call: it is what all later ones get.
  loaded.config({ sync_stack_size: STACK_BYTES, async_stack_size: STACK_BYTES });
  return loaded;
}

/** @throws WasmError `unsupported` if the file is not a library that this process can load */
export function openLibrary(path: string): LibraryHandle {
  try {
    return ffi().load(path);
  } catch (cause) {
    throw new WasmError("unsupported", `cannot load ${path}: ${cause instanceof Error ? cause.message : cause}`, {
      cause,
    });
  }
}

/** @throws WasmError `unsupported` that names the functions which the library has not */
export function bind<T extends Signatures>(
  library: LibraryHandle,
  path: string,
  signatures: T,
): { readonly [Name in keyof T]: NativeFunction } {
  const missing: string[] = [];
  const bound = {} as { [Name in keyof T]: NativeFunction };
  for (const name of Object.keys(signatures) as (keyof T & string)[]) {
    const [result, params = ""] = signatures[name]!.split("=").reverse();
    try {
      bound[name] = library.func(
        name,
        result!,
        params.split(",").filter((type) => type !== ""),
      ) as NativeFunction;
    } catch {
      missing.push(name);
    }
  }
  if (missing.length > 0)
    throw new WasmError(
      "unsupported",
      `${path} is another library, or of another version: it has no ${missing.join(", ")}`,
    );
  return bound;
}

let allocator: { readonly malloc: NativeFunction; readonly free: NativeFunction } | undefined;

function libc(): NonNullable<typeof allocator> {
  if (allocator === undefined) {
    const process = ffi().load(null);
    allocator = {
      malloc: process.func("malloc", "size_t", ["size_t"]) as NativeFunction,
      free: process.func("free", "void", ["size_t"]) as NativeFunction,
    };
  }
  return allocator;
}

/** Memory outside of JavaScript's heap, which C code may keep the address of until `free`. */
export class NativeBlock {
  readonly address: Address;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly view: DataView<ArrayBuffer>;

  /** @param size in bytes; it is filled with zeros */
  constructor(size: number) {
    this.address = libc().malloc(Math.max(1, size));
    if (this.address === NULL) throw new WasmError("memory_limit", `there are no ${size} bytes of memory`);
    const buffer = ffi().view(this.address, size);
    this.bytes = new Uint8Array(buffer).fill(0);
    this.view = new DataView(buffer);
  }

  static of(bytes: Uint8Array): NativeBlock {
    const block = new NativeBlock(bytes.length);
    block.bytes.set(bytes);
    return block;
  }

  /** Once. Whoever still has a view finds it empty. */
  free(): void {
    release(this.bytes.buffer);
    libc().free(this.address);
  }
}

/** Detaches a view, so that it cannot be read when what it shows is gone: to touch that would end the process. */
export function release(buffer: ArrayBuffer): void {
  if (!buffer.detached) buffer.transfer();
}

/** A copy of what C code has at an address. */
export function copyOf(address: Address, size: number): Uint8Array<ArrayBuffer> {
  if (size === 0) return new Uint8Array(0);
  const buffer = ffi().view(address, size);
  const copy = new Uint8Array(buffer).slice();
  release(buffer);
  return copy;
}
