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

/**
 * `memory.copy` costs a call out of the engine's compiled code, which short copies feel: those go in words, the last
 * one overlapping. The bytes may not overlap otherwise.
 * @returns the position after the copy
 */
export function copyBytes(to: usize, from: usize, size: usize): usize {
  const end = to + size;
  if (size > 96) {
    memory.copy(to, from, size);
    return end;
  }
  if (size < 8) {
    while (to < end) store<u8>(to++, load<u8>(from++));
    return end;
  }
  const last = end - 8;
  const tail = load<u64>(from + size - 8);
  while (to < last) {
    store<u64>(to, load<u64>(from));
    to += 8;
    from += 8;
  }
  store<u64>(last, tail);
  return end;
}
