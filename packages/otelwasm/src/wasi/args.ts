/**
 * https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md#args_get and its siblings: two lists of the same form. A list of pointers, and the
 * texts that they point to, each ended by a zero.
 */
import type { HostFunction, Memory, Value } from "../runtime/contract.ts";
import { define, within } from "./define.ts";
import { Errno } from "./errno.ts";
import type { WasiGrants } from "./grants.ts";

export function argsFunctions({ args, env }: WasiGrants): HostFunction[] {
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  return [...listFunctions("args", args), ...listFunctions("environ", variables)];
}

function listFunctions(name: string, texts: readonly string[]): HostFunction[] {
  const encoded = texts.map((text) => new TextEncoder().encode(`${text}\0`));
  const size = encoded.reduce((sum, bytes) => sum + bytes.length, 0);
  return [
    define(`${name}_sizes_get`, ["i32", "i32"], (memory, count, bytes) => {
      const countAt = within(`${name}_sizes_get`, memory, count, 4);
      const bytesAt = within(`${name}_sizes_get`, memory, bytes, 4);
      const view = memory.view();
      view.setUint32(countAt, encoded.length, true);
      view.setUint32(bytesAt, size, true);
    }),
    define(`${name}_get`, ["i32", "i32"], (memory, pointers, bytes) => {
      writeList(`${name}_get`, memory, encoded, size, pointers, bytes);
      return Errno.success;
    }),
  ];
}

function writeList(
  functionName: string,
  memory: Memory,
  encoded: readonly Uint8Array[],
  size: number,
  pointers: Value | undefined,
  bytes: Value | undefined,
): void {
  const pointersAt = within(functionName, memory, pointers, encoded.length * 4);
  let at = within(functionName, memory, bytes, size);
  const view = memory.view();
  encoded.forEach((text, i) => {
    view.setUint32(pointersAt + i * 4, at, true);
    memory.write(at, text);
    at += text.length;
  });
}
