/** Reading what a guest points at. Its pointers are not trusted: one outside its memory is a trap that says what was asked for. */
import type { Memory } from "../runtime/contract.ts";
import { WasmError } from "../runtime/errors.ts";

const utf8 = new TextDecoder();

/**
 * @param functionName the host function that the guest called, for the message
 * @returns a view, good until the next call into the guest
 * @throws WasmError `host`
 */
export function view(functionName: string, memory: Memory, pointer: number, size: number): Uint8Array {
  const start = pointer >>> 0;
  const length = size >>> 0;
  if (start + length > memory.byteLength) throw outOfRange(functionName, start, length, memory.byteLength);
  return memory.read(start, length);
}

/**
 * From here on a buffer that is not zeroed first and filled then is quicker than a typed array made from another.
 */
const LARGE = 2048;

/** The bytes in a buffer of their own, which may be kept and transferred. */
export function ownCopy(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  if (bytes.length < LARGE) return new Uint8Array(bytes);
  const copy = new Uint8Array(Buffer.allocUnsafeSlow(bytes.length).buffer);
  copy.set(bytes);
  return copy;
}

/** UTF-8; what is not becomes U+FFFD. Beyond `limit` bytes it is cut, and says so. @throws WasmError `host` */
export function readText(functionName: string, memory: Memory, pointer: number, size: number, limit: number): string {
  if (size === 0) return "";
  const bytes = view(functionName, memory, pointer, size);
  if (bytes.length <= limit) return utf8.decode(bytes);
  return `${utf8.decode(bytes.subarray(0, limit))}... (cut: ${bytes.length} bytes)`;
}

function outOfRange(functionName: string, pointer: number, size: number, memorySize: number): WasmError {
  return new WasmError(
    "host",
    `${functionName}: ${size} bytes at pointer ${pointer} are outside the memory of ${memorySize} bytes`,
  );
}
