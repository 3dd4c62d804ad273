/** https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md#iovec: buf u32@0, buf_len u32@4. */
import type { Memory, Value } from "../runtime/contract.ts";
import { unsigned, within } from "./define.ts";
import { Errno, WasiError } from "./errno.ts";

const IOVEC_SIZE = 8;
/** What the C libraries of guests know as IOV_MAX, as Linux has it. */
const MAX_IOVECS = 1024;
/** Of one call, in bytes. More is not refused: the guest is told how much was done, as everywhere. */
const MAX_TRANSFER = 2 ** 30;

/**
 * The buffers that a guest lists, without the empty ones: views, nothing is copied, so that they may overlap and be of any size.
 *
 * @throws WasmError `host` if the list or a buffer is outside the memory
 * @throws WasiError `inval` if there are more than 1024
 */
export function buffersAt(
  functionName: string,
  memory: Memory,
  list: Value | undefined,
  count: Value | undefined,
): Uint8Array[] {
  const length = unsigned(count);
  const start = within(functionName, memory, list, length * IOVEC_SIZE);
  if (length > MAX_IOVECS) throw new WasiError(Errno.inval);
  const view = memory.view();
  const buffers: Uint8Array[] = [];
  let left = MAX_TRANSFER;
  for (let at = start; at < start + length * IOVEC_SIZE; at += IOVEC_SIZE) {
    const size = view.getUint32(at + 4, true);
    // An empty slice's address means nothing.
    if (size === 0) continue;
    const pointer = within(functionName, memory, view.getUint32(at, true), size);
    const taken = Math.min(size, left);
    if (taken > 0) buffers.push(memory.read(pointer, taken));
    left -= taken;
  }
  return buffers;
}
