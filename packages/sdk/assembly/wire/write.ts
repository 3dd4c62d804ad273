// Protobuf's wire format: writing. Each function returns the position after what it wrote.

export function writeVarint(p: usize, value: u64): usize {
  while (value >= 0x80) {
    store<u8>(p++, <u8>value | 0x80);
    value >>= 7;
  }
  store<u8>(p, <u8>value);
  return p + 1;
}

export function varintSize(value: u64): usize {
  // Seven bits to a byte; `| 1` counts zero as one bit.
  return <usize>((<u32>(63 - clz(value | 1)) * 9 + 73) >> 6);
}

/** `memory.copy` costs a call out of the engine's compiled code: short copies are faster as plain loads and stores. */
// @ts-ignore: decorator
@inline
export function copyBytes(to: usize, from: usize, size: usize): usize {
  memory.copy(to, from, size);
  return to + size;
}
