// The batch's arena: nodes of the view, bytes that a plugin writes, the encoded result. Allocation is a bump of one
// pointer; everything is given back at once when `consume_*` returns. Nothing in here is known to the garbage collector.
import { tryAllocate, release } from "../runtime/heap";

/** A chunk of memory; its first two words link to the chunk before and hold its size. */
const HEADER: usize = 16;
/** Room for alignment, and 16 readable bytes after the last allocation (see wire/read.ts). */
const PADDING: usize = 32;
const FIRST_CHUNK: usize = 65536 - 64;

let chunk: usize = 0;
let total: usize = 0;
let top: usize = 0;
let limit: usize = 0;

/**
 * @param size bytes
 * @returns the address, aligned to 4; uninitialised. Traps with a message when memory is exhausted
 */
// @ts-ignore: decorator
@inline
export function arenaAllocate(size: usize): usize {
  const start = top;
  const next = start + ((size + 3) & ~3);
  if (next > limit) return allocateSlow(size);
  top = next;
  return start;
}

/** As {@link arenaAllocate}, but answers 0 when memory is exhausted. */
export function tryArenaAllocate(size: usize): usize {
  if (size > limit - top && !arenaReserve(size)) return 0;
  return arenaAllocate(size);
}

function allocateSlow(size: usize): usize {
  if (!arenaReserve(size)) abort("out of memory: the batch's arena cannot grow");
  const start = top;
  top = start + ((size + 3) & ~3);
  return start;
}

/** Sees to it that `size` bytes can be allocated in one piece. @returns whether memory suffices */
export function arenaReserve(size: usize): bool {
  if (size <= limit - top && limit != 0) return true;
  if (size > 0x3fff0000) return false;
  let wanted = max(max(total, FIRST_CHUNK), size + HEADER + PADDING);
  let memory = tryAllocate(wanted);
  if (memory == 0) {
    wanted = size + HEADER + PADDING;
    memory = tryAllocate(wanted);
    if (memory == 0) return false;
  }
  store<usize>(memory, chunk);
  store<usize>(memory, wanted, 4);
  chunk = memory;
  total += wanted;
  top = (memory + HEADER + 3) & ~3;
  limit = (memory + wanted - 16) & ~3;
  return true;
}

/** Gives everything back. What the largest batch needed stays, as one chunk, for the next one. */
export function arenaReset(): void {
  if (chunk == 0) return;
  if (load<usize>(chunk) != 0) {
    const size = total;
    let each = chunk;
    while (each != 0) {
      const before = load<usize>(each);
      release(each);
      each = before;
    }
    chunk = 0;
    total = 0;
    top = 0;
    limit = 0;
    arenaReserve(size - HEADER - PADDING);
    return;
  }
  top = (chunk + HEADER + 3) & ~3;
}

/** Bytes that the arena holds on to. */
export function arenaSize(): usize {
  return total;
}
