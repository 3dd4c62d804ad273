// The collector of managed objects: AssemblyScript's two-colour mark and sweep (std/assembly/rt/tcms.ts, Apache-2.0,
// © Daniel Wirtz and the AssemblyScript authors). It runs between the host's calls, when nothing is on the stack, and
// only when enough has been allocated: what a plugin keeps in its fields stays, what a call left behind goes, and a
// call that allocates no objects pays nothing. A receiver's call does not end, so there it runs at certain places of the
// call, with the compiler's list of what is on the stack ("shadow stack"), which is empty in other modules.
import { BLOCK, BLOCK_OVERHEAD, OBJECT_MAXSIZE, OBJECT_OVERHEAD, TOTAL_OVERHEAD } from "rt/common";

let white = 0;
const PINNED = 3;
const COLOR_MASK = 3;
const VISIT_SCAN = 0;

/** A managed object's header. */
@unmanaged
class Object extends BLOCK {
  /** The colour is in the alignment bits. */
  nextWithColor: usize;
  prev: Object | null;
  rtId: u32;
  rtSize: u32;

  get next(): Object | null {
    return changetype<Object | null>(this.nextWithColor & ~COLOR_MASK);
  }

  set next(object: Object | null) {
    this.nextWithColor = changetype<usize>(object) | (this.nextWithColor & COLOR_MASK);
  }

  get color(): i32 {
    return i32(this.nextWithColor & COLOR_MASK);
  }

  get size(): usize {
    return BLOCK_OVERHEAD + (this.mmInfo & ~3);
  }

  unlink(): void {
    const next = this.next;
    // Static data is in no list at first.
    if (next === null) return;
    const prev = this.prev!;
    next.prev = prev;
    prev.next = next;
  }

  linkTo(list: Object, color: i32): void {
    const prev = list.prev!;
    this.nextWithColor = changetype<usize>(list) | color;
    this.prev = prev;
    prev.next = this;
    list.prev = this;
  }
}

let fromSpace = newSpace(memory.data(offsetof<Object>(), 16));
let toSpace = newSpace(memory.data(offsetof<Object>(), 16));
const pinSpace = newSpace(memory.data(offsetof<Object>(), 16));

/** Bytes of all objects, and of those since the last collection. */
let total: usize = 0;
let fresh: usize = 0;

function newSpace(at: usize): Object {
  const space = changetype<Object>(at);
  space.nextWithColor = at;
  space.prev = space;
  return space;
}

// @ts-ignore: decorator
@global @unsafe
export function __new(size: usize, id: i32): usize {
  if (size > OBJECT_MAXSIZE) abort("an object is larger than a gigabyte");
  const object = changetype<Object>(__alloc(OBJECT_OVERHEAD + size) - BLOCK_OVERHEAD);
  object.rtId = id;
  object.rtSize = <u32>size;
  object.linkTo(fromSpace, white);
  total += object.size;
  fresh += object.size;
  return changetype<usize>(object) + TOTAL_OVERHEAD;
}

// @ts-ignore: decorator
@global @unsafe
export function __renew(pointer: usize, size: usize): usize {
  const object = changetype<Object>(pointer - TOTAL_OVERHEAD);
  if (pointer >= __heap_base && OBJECT_OVERHEAD + size <= (object.mmInfo & ~3)) {
    object.rtSize = <u32>size;
    return pointer;
  }
  const moved = __new(size, object.rtId);
  memory.copy(moved, pointer, min(size, <usize>object.rtSize));
  return moved;
}

// @ts-ignore: decorator
@global @unsafe
export function __link(parent: usize, child: usize, expectMultiple: bool): void {
  // Needed by incremental collectors only.
}

// @ts-ignore: decorator
@global @unsafe
export function __visit(pointer: usize, cookie: i32): void {
  if (pointer == 0) return;
  const object = changetype<Object>(pointer - TOTAL_OVERHEAD);
  if (object.color != white) return;
  object.unlink();
  object.linkTo(toSpace, i32(!white));
}

// @ts-ignore: decorator
@global @unsafe
export function __pin(pointer: usize): usize {
  if (pointer != 0) {
    const object = changetype<Object>(pointer - TOTAL_OVERHEAD);
    if (object.color == PINNED) abort("an object is pinned already");
    object.unlink();
    object.linkTo(pinSpace, PINNED);
  }
  return pointer;
}

// @ts-ignore: decorator
@global @unsafe
export function __unpin(pointer: usize): void {
  if (pointer == 0) return;
  const object = changetype<Object>(pointer - TOTAL_OVERHEAD);
  if (object.color != PINNED) abort("an object is not pinned");
  object.unlink();
  object.linkTo(fromSpace, white);
}

// @ts-ignore: decorator
@global @unsafe
export function __collect(): void {
  __visit_globals(VISIT_SCAN);
  for (let slot = __stack_pointer; slot < __heap_base; slot += sizeof<usize>()) __visit(load<usize>(slot), VISIT_SCAN);
  const pins = pinSpace;
  for (let each = pins.next!; each !== pins; each = each.next!) __visit_members(changetype<usize>(each) + TOTAL_OVERHEAD, VISIT_SCAN);

  const black = i32(!white);
  const to = toSpace;
  for (let each = to.next!; each !== to; each = each.next!) __visit_members(changetype<usize>(each) + TOTAL_OVERHEAD, VISIT_SCAN);

  const from = fromSpace;
  let each = from.next!;
  while (each !== from) {
    const next = each.next!;
    if (changetype<usize>(each) < __heap_base) {
      each.nextWithColor = 0;
      each.prev = null;
    } else {
      total -= each.size;
      __free(changetype<usize>(each) + BLOCK_OVERHEAD);
    }
    each = next;
  }
  from.nextWithColor = changetype<usize>(from);
  from.prev = from;
  fromSpace = to;
  toSpace = from;
  white = black;
  fresh = 0;
}

/** Between calls, and where a receiver waits: collects when at least a third of all objects' bytes are new. */
export function collectGarbage(): void {
  if (fresh * 3 > total) __collect();
}

/** Bytes of all objects. */
export function managedSize(): usize {
  return total;
}
