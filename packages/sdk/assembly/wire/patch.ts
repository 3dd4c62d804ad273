// Rewriting a batch in one walk over its bytes, without a node for each message: for plugins that look at everything and change
// little. The walker tells which messages it enters and leaves, and what it puts into the place of which bytes; what it changed nothing in
// leaves no trace. The lengths of all messages around a change are computed and written anew, everything else is copied.
//
// Positions have to grow from call to call.
import { arenaAllocate } from "../memory/arena";
import { release, tryAllocate } from "../runtime/heap";
import { Message, touch } from "./message";
import { copyBytes, varintSize, writeVarint } from "./write";

/** One step, four words: a change (`from`, `until`, address and size of the replacement), or a message (`LENGTH`, where its length and its content stand, the new size). */
const STEP: usize = 16;
const LENGTH: usize = 0;

let steps: usize = 0;
let top: usize = 0;
let limit: usize = 0;
/** By how many bytes the message that is being walked has grown so far. */
let growth: isize = 0;

/** Forgets what was told before; at the beginning of each batch. */
export function beginPatch(): void {
  top = steps;
  growth = 0;
}

/** What {@link leaveMessage} has to be given back. */
export let outerGrowth: isize = 0;

/**
 * The walk enters a message, or a text in which something may be replaced.
 * @param length where its length stands
 * @param start where its content starts
 * @returns the place of the step, for {@link leaveMessage}; {@link outerGrowth} is set
 */
// @ts-ignore: decorator
@inline
export function enterMessage(length: usize, start: usize): usize {
  if (top == limit) grow();
  const at = top - steps;
  store<usize>(top, LENGTH);
  store<usize>(top, length, 4);
  store<usize>(top, start, 8);
  top += STEP;
  outerGrowth = growth;
  growth = 0;
  return at;
}

/**
 * The walk leaves the message.
 * @param at what {@link enterMessage} answered
 * @param outer what {@link outerGrowth} was then
 * @param end of its content
 */
// @ts-ignore: decorator
@inline
export function leaveMessage(at: usize, outer: isize, end: usize): void {
  const step = steps + at;
  if (top == step + STEP) {
    top = step;
    growth = outer;
  } else finishMessage(step, outer, end);
}

function finishMessage(step: usize, outer: isize, end: usize): void {
  const length = load<usize>(step, 4);
  const start = load<usize>(step, 8);
  const size = <usize>(<isize>(end - start) + growth);
  store<usize>(step, size, 12);
  growth += outer + <isize>varintSize(size) - <isize>(start - length);
}

/** Puts `size` bytes at `by`, which have to stay until {@link applyPatch}, into the place of those from `from` to `until`. */
export function replaceBytes(from: usize, until: usize, by: usize, size: usize): void {
  if (top == limit) grow();
  store<usize>(top, from);
  store<usize>(top, until, 4);
  store<usize>(top, by, 8);
  store<usize>(top, size, 12);
  top += STEP;
  growth += <isize>size - <isize>(until - from);
}

/** Makes the result, if something has changed, the content of a batch that nobody has looked into otherwise. */
export function applyPatch(batch: Message): void {
  if (top == steps) return;
  let from = batch._start;
  const result = arenaAllocate(<usize>(<isize>(batch._end - from) + growth));
  let to = result;
  for (let step = steps; step < top; step += STEP) {
    const position = load<usize>(step);
    if (position == LENGTH) {
      const length = load<usize>(step, 4);
      to = copyBytes(to, from, length - from);
      to = writeVarint(to, load<usize>(step, 12));
      from = load<usize>(step, 8);
    } else {
      to = copyBytes(to, from, position - from);
      to = copyBytes(to, load<usize>(step, 8), load<usize>(step, 12));
      from = load<usize>(step, 4);
    }
  }
  to = copyBytes(to, from, batch._end - from);
  batch._start = result;
  batch._end = to;
  touch(batch);
}

/** The steps live outside the arena: they are as many as changes, and stay for the next batch. */
function grow(): void {
  const used = top - steps;
  const size = max<usize>(used * 2, 4096);
  const larger = tryAllocate(size);
  if (larger == 0) abort("out of memory: no room for " + (used / STEP).toString() + " changes");
  if (steps != 0) {
    memory.copy(larger, steps, used);
    release(steps);
  }
  steps = larger;
  top = larger + used;
  limit = larger + size;
}
