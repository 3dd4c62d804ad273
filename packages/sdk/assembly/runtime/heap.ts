// The heap: AssemblyScript's TLSF allocator (std/assembly/rt/tlsf.ts, Apache-2.0, © Daniel Wirtz and the AssemblyScript
// authors), with two changes: memory that cannot grow is an answer, not a trap, and growing does not double what the
// host's payloads have made large.
//
// Two-level segregated fit: free blocks are kept in lists by size class, 16 second-level classes to each power of two,
// with a bit for each list that is not empty. Neighbouring free blocks are merged. See http://www.gii.upv.es/tlsf/
import { BLOCK, BLOCK_OVERHEAD, BLOCK_MAXSIZE } from "rt/common";

const AL_BITS: u32 = 4;
const AL_SIZE: usize = 1 << AL_BITS;
const AL_MASK: usize = AL_SIZE - 1;
const SL_BITS: u32 = 4;
const SL_SIZE: u32 = 1 << SL_BITS;
const SB_BITS: u32 = SL_BITS + AL_BITS;
const SB_SIZE: usize = 1 << SB_BITS;
const FL_BITS: u32 = 31 - SB_BITS;

/** This block is free; the one before it is. In the alignment bits of a block's size. */
const FREE: usize = 1;
const LEFTFREE: usize = 2;
const TAGS_MASK: usize = 3;

/** A block's header, which is in front of what it holds; the links only count while it is free. */
@unmanaged
class Block extends BLOCK {
  prev: Block | null;
  next: Block | null;
}

const BLOCK_MINSIZE: usize = ((3 * sizeof<usize>() + BLOCK_OVERHEAD + AL_MASK) & ~AL_MASK) - BLOCK_OVERHEAD;

// The lists: a bit map of first levels, a map of second levels for each, the lists' heads, the last block.
const SL_START: usize = sizeof<usize>();
const SL_END: usize = SL_START + ((<usize>FL_BITS) << 2);
const HL_START: usize = (SL_END + AL_MASK) & ~AL_MASK;
const HL_END: usize = HL_START + <usize>(FL_BITS * SL_SIZE) * sizeof<usize>();
const ROOT_SIZE: usize = HL_END + sizeof<usize>();
const root: usize = memory.data(1536, 16);

let ready: bool = false;

// @ts-ignore: decorator
@inline function right(block: Block): Block {
  return changetype<Block>(changetype<usize>(block) + BLOCK_OVERHEAD + (block.mmInfo & ~TAGS_MASK));
}

// @ts-ignore: decorator
@inline function secondLevels(fl: usize): u32 {
  return load<u32>(root + (fl << 2), SL_START);
}

// @ts-ignore: decorator
@inline function setSecondLevels(fl: usize, map: u32): void {
  store<u32>(root + (fl << 2), map, SL_START);
}

// @ts-ignore: decorator
@inline function head(fl: usize, sl: u32): Block | null {
  return changetype<Block | null>(load<usize>(root + (((fl << 4) + <usize>sl) << 2), HL_START));
}

// @ts-ignore: decorator
@inline function setHead(fl: usize, sl: u32, block: Block | null): void {
  store<usize>(root + (((fl << 4) + <usize>sl) << 2), changetype<usize>(block), HL_START);
}

// @ts-ignore: decorator
@inline function tail(): usize {
  return load<usize>(root, HL_END);
}

let level: usize = 0;

/** The list of a size: its first level in {@link level}. @returns its second level */
function classOf(size: usize): u32 {
  if (size < SB_SIZE) {
    level = 0;
    return <u32>(size >> AL_BITS);
  }
  const bounded = min(size, BLOCK_MAXSIZE);
  const fl: usize = <usize>31 - clz<usize>(bounded);
  level = fl - <usize>(SB_BITS - 1);
  return <u32>((bounded >> (fl - <usize>SL_BITS)) ^ (1 << SL_BITS));
}

/** Puts a free block into its list, merged with free neighbours. */
function insertBlock(block: Block): void {
  let info = block.mmInfo;
  let next = right(block);
  let nextInfo = next.mmInfo;
  if (nextInfo & FREE) {
    removeBlock(next);
    block.mmInfo = info = info + BLOCK_OVERHEAD + (nextInfo & ~TAGS_MASK);
    next = right(block);
    nextInfo = next.mmInfo;
  }
  if (info & LEFTFREE) {
    const left = load<Block>(changetype<usize>(block) - sizeof<usize>());
    removeBlock(left);
    const leftInfo = left.mmInfo;
    block = left;
    block.mmInfo = info = leftInfo + BLOCK_OVERHEAD + (info & ~TAGS_MASK);
  }
  next.mmInfo = nextInfo | LEFTFREE;
  // A free block's last word points at its start, for the block after it.
  store<Block>(changetype<usize>(next) - sizeof<usize>(), block);

  const sl = classOf(info & ~TAGS_MASK);
  const fl = level;
  const first = head(fl, sl);
  block.prev = null;
  block.next = first;
  if (first !== null) first.prev = block;
  setHead(fl, sl, block);
  store<usize>(root, load<usize>(root) | (1 << fl));
  setSecondLevels(fl, secondLevels(fl) | (1 << sl));
}

function removeBlock(block: Block): void {
  const sl = classOf(block.mmInfo & ~TAGS_MASK);
  const fl = level;
  const prev = block.prev;
  const next = block.next;
  if (prev !== null) prev.next = next;
  if (next !== null) next.prev = prev;
  if (block !== head(fl, sl)) return;
  setHead(fl, sl, next);
  if (next !== null) return;
  const map = secondLevels(fl) & ~(1 << sl);
  setSecondLevels(fl, map);
  if (map == 0) store<usize>(root, load<usize>(root) & ~(1 << fl));
}

/** A size that every block of the list it leads to has. */
function roundSize(size: usize): usize {
  return size < BLOCK_MAXSIZE >> 1 ? size + (1 << (31 - SL_BITS - clz<usize>(size))) - 1 : size;
}

function searchBlock(size: usize): Block | null {
  const sl = classOf(size < SB_SIZE ? size : roundSize(size));
  let fl = level;
  let map = secondLevels(fl) & (~0 << sl);
  if (map == 0) {
    const levels = load<usize>(root) & (~0 << (fl + 1));
    if (levels == 0) return null;
    fl = ctz<usize>(levels);
    map = secondLevels(fl);
  }
  return head(fl, ctz<u32>(map));
}

/** Takes a block that is in no list into use, and gives what is left of it back. */
function useBlock(block: Block, size: usize): void {
  const info = block.mmInfo;
  const remaining = (info & ~TAGS_MASK) - size;
  if (remaining >= BLOCK_OVERHEAD + BLOCK_MINSIZE) {
    block.mmInfo = size | (info & LEFTFREE);
    const spare = changetype<Block>(changetype<usize>(block) + BLOCK_OVERHEAD + size);
    spare.mmInfo = (remaining - BLOCK_OVERHEAD) | FREE;
    insertBlock(spare);
  } else {
    block.mmInfo = info & ~FREE;
    right(block).mmInfo &= ~LEFTFREE;
  }
}

function addMemory(start: usize, end: usize): void {
  start = ((start + BLOCK_OVERHEAD + AL_MASK) & ~AL_MASK) - BLOCK_OVERHEAD;
  end &= ~AL_MASK;
  let info: usize = 0;
  const last = tail();
  if (last != 0 && start - AL_SIZE == last) {
    start -= AL_SIZE;
    info = changetype<Block>(last).mmInfo;
  }
  const size = end - start;
  if (size < BLOCK_OVERHEAD + BLOCK_MINSIZE + BLOCK_OVERHEAD) return;
  const block = changetype<Block>(start);
  block.mmInfo = (size - 2 * BLOCK_OVERHEAD) | FREE | (info & LEFTFREE);
  const end_ = changetype<Block>(start + size - BLOCK_OVERHEAD);
  end_.mmInfo = LEFTFREE;
  store<usize>(root, changetype<usize>(end_), HL_END);
  insertBlock(block);
}

/** Grows memory so that a block of `size` can be found. @returns whether the engine allows it */
function growMemory(size: usize): bool {
  if (size >= SB_SIZE) size = roundSize(size);
  const before = <usize>memory.size();
  size += BLOCK_OVERHEAD << usize((before << 16) - BLOCK_OVERHEAD != tail());
  const needed = (size + 0xffff) >> 16;
  // A quarter more than there is, so that growing stays rare; not twice, because most of it is the host's payload.
  const wanted = max(needed, before >> 2);
  if (memory.grow(<i32>wanted) < 0 && memory.grow(<i32>needed) < 0) return false;
  // The last page of four gigabytes ends at an address that does not exist.
  const end = min<u64>(<u64>memory.size() << 16, 0xfffffff0);
  addMemory(before << 16, <usize>end);
  return true;
}

/**
 * @param size bytes
 * @returns an address aligned to 16; 0 if memory is exhausted or a gigabyte is not enough
 */
export function tryAllocate(size: usize): usize {
  if (size > BLOCK_MAXSIZE - AL_SIZE) return 0;
  if (!ready) {
    ready = true;
    addMemory(__heap_base, <usize>memory.size() << 16);
  }
  const payload = size <= BLOCK_MINSIZE ? BLOCK_MINSIZE : ((size + BLOCK_OVERHEAD + AL_MASK) & ~AL_MASK) - BLOCK_OVERHEAD;
  let block = searchBlock(payload);
  if (block === null) {
    if (!growMemory(payload)) return 0;
    block = searchBlock(payload);
    if (block === null) return 0;
  }
  removeBlock(block);
  useBlock(block, payload);
  return changetype<usize>(block) + BLOCK_OVERHEAD;
}

/** Gives back what {@link tryAllocate} answered. */
export function release(pointer: usize): void {
  const block = changetype<Block>(pointer - BLOCK_OVERHEAD);
  block.mmInfo |= FREE;
  insertBlock(block);
}

// @ts-ignore: decorator
@global @unsafe
export function __alloc(size: usize): usize {
  const pointer = tryAllocate(size);
  if (pointer == 0) abort("out of memory");
  return pointer;
}

// @ts-ignore: decorator
@global @unsafe
export function __realloc(pointer: usize, size: usize): usize {
  const before = changetype<Block>(pointer - BLOCK_OVERHEAD).mmInfo & ~TAGS_MASK;
  if (size <= before && pointer >= __heap_base) return pointer;
  const moved = __alloc(size);
  memory.copy(moved, pointer, min(before, size));
  __free(pointer);
  return moved;
}

// @ts-ignore: decorator
@global @unsafe
export function __free(pointer: usize): void {
  if (pointer >= __heap_base) release(pointer);
}
