// The specification's pinning map: which buffers `alloc` has handed out and `takeOwnership` has not yet taken.
// One call at a time means one entry as a rule, so a flat table, searched from the end, is the fastest map.
import { arenaReserve } from "./arena";
import { release, tryAllocate } from "../runtime/heap";

/** Readable bytes after every buffer: the wire layer may read a tag and a length before it checks where they end. */
const PADDING: usize = 16;
const ENTRY: usize = 8;

let table: usize = 0;
let capacity: usize = 0;
let count: usize = 0;

/** How many buffers are pinned. */
export function pinnedCount(): u32 {
  return <u32>count;
}

/**
 * The exported `alloc`.
 * @param size bytes, unsigned
 * @returns the buffer's address; 0 when it, or a result of about its size, does not fit into memory
 */
export function allocatePinned(size: usize): usize {
  if (size > 0x3f000000) return 0;
  if (count == capacity && !growTable()) return 0;
  const pointer = tryAllocate(size + PADDING);
  if (pointer == 0) return 0;
  // A batch that could be taken but not answered would cost the host a trapped instance: refuse it here, where it can be retried.
  if (!arenaReserve(size + (size >> 2) + 4096)) {
    release(pointer);
    return 0;
  }
  memory.fill(pointer + size, 0, PADDING);
  const entry = table + count * ENTRY;
  store<usize>(entry, pointer);
  store<usize>(entry, size, 4);
  ++count;
  return pointer;
}

function growTable(): bool {
  const next = max<usize>(capacity * 2, 16);
  const memory_ = tryAllocate(next * ENTRY);
  if (memory_ == 0) return false;
  if (table != 0) {
    memory.copy(memory_, table, count * ENTRY);
    release(table);
  }
  table = memory_;
  capacity = next;
  return true;
}

/** Size of the buffer that {@link takeOwnership} took last. */
export let takenSize: usize = 0;

/**
 * Unpins a buffer. The caller owns it and gives it back with {@link release}.
 * @returns whether `alloc` handed this pointer out; then {@link takenSize} is what was asked for
 */
export function takeOwnership(pointer: usize): bool {
  for (let i = count; i > 0; --i) {
    const entry = table + (i - 1) * ENTRY;
    if (load<usize>(entry) != pointer) continue;
    takenSize = load<usize>(entry, 4);
    --count;
    store<u64>(entry, load<u64>(table + count * ENTRY));
    return true;
  }
  return false;
}
