/**
 * Values of the C interface, `wasmtime_component_val_t`: a kind, and at 8 what is of that kind. A list has such a value for each element, bytes included: that is what a component costs
 * on this engine, and the interface has no other way.
 */
import { ComponentFailure, type ComponentValue } from "../component.ts";
import { camelCase } from "../component-link.ts";
import { WasmError } from "../errors.ts";
import { type Address, copyOf, ffi, NULL, release } from "../native/ffi.ts";
import type { ComponentCalls } from "./component-library.ts";
import { type Shape, TypeKind } from "./component-types.ts";

/** `sizeof(wasmtime_component_val_t)` */
export const VALUE_SIZE = 32;
/** In words of 32 bits. */
const VALUE_WORDS = VALUE_SIZE / 4;
const OF_WORD = 2;

/** `wasmtime_component_valkind_t` */
const Kind = {
  bool: 0,
  s8: 1,
  u8: 2,
  s16: 3,
  u16: 4,
  s32: 5,
  u32: 6,
  string: 12,
  list: 13,
  variant: 16,
  enum: 17,
  option: 18,
  result: 19,
  flags: 20,
} as const;

/**
 * Writes a value to a place whose content does not matter. What it points at belongs to the value: `wasmtime_component_val_delete`.
 *
 * @throws WasmError `unsupported` for a type that the world of a plugin does not need to go this way
 */
export function writeValue(
  calls: ComponentCalls,
  address: Address,
  shape: Shape | undefined,
  value: ComponentValue,
): void {
  withView(address, VALUE_SIZE, (view) => {
    if (shape?.kind === TypeKind.bool && typeof value === "boolean") {
      view.setUint8(0, Kind.bool);
      view.setUint8(8, value ? 1 : 0);
    } else if (shape?.kind === TypeKind.u32 && typeof value === "number") {
      view.setUint8(0, Kind.u32);
      view.setUint32(8, value, true);
    } else if (shape?.kind === TypeKind.string && typeof value === "string") {
      const text = new TextEncoder().encode(value);
      view.setUint8(0, Kind.string);
      calls.wasm_byte_vec_new_uninitialized(address + 8, text.length);
      withView(pointerIn(view, 16), text.length, (bytes) => new Uint8Array(bytes.buffer).set(text));
    } else if (shape?.kind === TypeKind.list && shape.inner?.kind === TypeKind.u8 && value instanceof Uint8Array) {
      view.setUint8(0, Kind.list);
      calls.wasmtime_component_vallist_new_uninit(address + 8, value.length);
      writeBytes(pointerIn(view, 16), value);
    } else {
      throw new WasmError("unsupported", `wasmtime is not handed a ${typeof value} for a type of kind ${shape?.kind}`);
    }
  });
}

function writeBytes(address: Address, bytes: Uint8Array): void {
  if (bytes.length === 0) return;
  const buffer = ffi().view(address, bytes.length * VALUE_SIZE);
  const words = new Uint32Array(buffer);
  for (let index = 0, word = 0; index < bytes.length; index++, word += VALUE_WORDS) {
    words[word] = Kind.u8;
    words[word + OF_WORD] = bytes[index]!;
  }
  release(buffer);
}

/** What a function's result is for its caller: the value of `ok`. @throws ComponentFailure for its `error` */
export function unwrapResult(address: Address, shape: Shape | undefined): ComponentValue {
  if (shape?.kind !== TypeKind.result) return readValue(address, shape);
  return withView(address, VALUE_SIZE, (view) => {
    const value = pointerIn(view, 16);
    if (view.getUint8(8) !== 0) return value === NULL ? undefined : readValue(value, shape.inner);
    throw new ComponentFailure(value === NULL ? undefined : readValue(value, shape.error));
  });
}

/** A copy; the original stays as it is. @throws WasmError `unsupported` for a kind that the world of a plugin has not */
export function readValue(address: Address, shape: Shape | undefined): ComponentValue {
  return withView(address, VALUE_SIZE, (view) => {
    const kind = view.getUint8(0);
    switch (kind) {
      case Kind.bool:
        return view.getUint8(8) !== 0;
      case Kind.s8:
        return view.getInt8(8);
      case Kind.u8:
        return view.getUint8(8);
      case Kind.s16:
        return view.getInt16(8, true);
      case Kind.u16:
        return view.getUint16(8, true);
      case Kind.s32:
        return view.getInt32(8, true);
      case Kind.u32:
        return view.getUint32(8, true);
      case Kind.string:
      case Kind.enum:
        return readText(view, 8);
      case Kind.list:
        return readList(pointerIn(view, 16), sizeIn(view, 8), shape?.inner);
      case Kind.option:
        return pointerIn(view, 8) === NULL ? undefined : readValue(pointerIn(view, 8), shape?.inner);
      case Kind.variant: {
        const value = pointerIn(view, 24);
        const tag = readText(view, 8);
        return value === NULL ? { tag } : { tag, val: readValue(value, undefined) };
      }
      case Kind.flags:
        return readFlags(pointerIn(view, 16), sizeIn(view, 8));
      default:
        throw new WasmError("unsupported", `a value of kind ${kind} does not come out of wasmtime here`);
    }
  });
}

function readList(address: Address, length: number, element: Shape | undefined): ComponentValue {
  if (element?.kind === TypeKind.u8) return readBytes(address, length);
  return Array.from({ length }, (_, index) => readValue(address + index * VALUE_SIZE, element));
}

function readBytes(address: Address, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  if (length === 0) return bytes;
  const buffer = ffi().view(address, length * VALUE_SIZE);
  const words = new Uint32Array(buffer);
  for (let index = 0, word = OF_WORD; index < length; index++, word += VALUE_WORDS) bytes[index] = words[word]!;
  release(buffer);
  return bytes;
}

/** `wasm_name_t` for each flag that is set. */
function readFlags(address: Address, length: number): Record<string, boolean> {
  if (length === 0) return {};
  return withView(address, length * 16, (view) =>
    Object.fromEntries(Array.from({ length }, (_, index) => [camelCase(readText(view, index * 16)), true])),
  );
}

/** A `wasm_name_t`: a size and an address. */
function readText(view: DataView, offset: number): string {
  return new TextDecoder().decode(copyOf(pointerIn(view, offset + 8), sizeIn(view, offset)));
}

function pointerIn(view: DataView, offset: number): Address {
  return Number(view.getBigUint64(offset, true));
}

function sizeIn(view: DataView, offset: number): number {
  return Number(view.getBigUint64(offset, true));
}

function withView<T>(address: Address, size: number, use: (view: DataView<ArrayBuffer>) => T): T {
  const buffer = ffi().view(address, size);
  try {
    return use(new DataView(buffer));
  } finally {
    release(buffer);
  }
}
