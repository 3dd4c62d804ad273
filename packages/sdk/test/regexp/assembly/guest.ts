// Exports the regular expressions and the digest to the tests, as functions over linear memory.
import { Regexp } from "../../../assembly/regexp";
import { sha256Hex } from "../../../assembly/sha256";

const compiled: Array<Regexp> = [];

export function allocate(size: usize): usize {
  return heap.alloc(size);
}

export function release(ptr: usize): void {
  heap.free(ptr);
}

/** @returns the number of the expression, or -1: {@link error} says why */
export function compile(pattern: usize, size: usize): i32 {
  const regexp = Regexp.tryCompile(String.UTF8.decodeUnsafe(pattern, size));
  const message = regexp.error;
  if (message !== null) {
    error = String.UTF8.encode(message);
    errorOffset = regexp.errorOffset;
    return -1;
  }
  compiled.push(regexp);
  return compiled.length - 1;
}

let error: ArrayBuffer = new ArrayBuffer(0);
let errorOffset: i32 = 0;

export function errorPointer(): usize {
  return changetype<usize>(error);
}

export function errorSize(): i32 {
  return error.byteLength;
}

export function errorPosition(): i32 {
  return errorOffset;
}

export function groups(regexp: i32): i32 {
  return compiled[regexp].groupNames.length;
}

/** Leaves the name where {@link errorPointer} points. */
export function groupName(regexp: i32, group: i32): void {
  error = String.UTF8.encode(compiled[regexp].groupNames[group]);
}

export function match(regexp: i32, ptr: usize, size: usize): bool {
  return compiled[regexp].matchUtf8(ptr, size);
}

export function exec(regexp: i32, ptr: usize, size: usize): bool {
  return compiled[regexp].exec(ptr, size);
}

export function groupStart(regexp: i32, group: i32): i32 {
  return compiled[regexp].start(group);
}

export function groupEnd(regexp: i32, group: i32): i32 {
  return compiled[regexp].end(group);
}

export function steps(regexp: i32): f64 {
  return <f64>compiled[regexp].steps;
}

export function forget(): void {
  compiled.length = 0;
}

export function sha256(from: usize, size: usize, to: usize): void {
  sha256Hex(from, size, to);
}
