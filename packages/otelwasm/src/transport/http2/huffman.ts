// The Huffman code of header strings: https://www.rfc-editor.org/rfc/rfc7541#appendix-B
// It is canonical: the codes follow from their lengths.

/** Bits of each symbol's code, 0 to 255; the last is EOS, which a string must not hold. */
const LENGTHS: readonly number[] = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28,
  28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, 15, 5, 6, 5, 6,
  5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23,
  22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22,
  23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, 26, 26,
  20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27,
  27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27,
  27, 27, 27, 26, 30,
];
const EOS = 256;

/** A binary tree in an array: `tree[2 * node + bit]` is the next node, or, from `LEAF` on, a symbol. */
const LEAF = 0x4000;
const tree: Uint16Array = buildTree();

function buildTree(): Uint16Array {
  const nodes = new Uint16Array(2 * LENGTHS.length);
  let used = 1;
  let code = 0;
  for (let length = 1; length <= 30; length++) {
    for (let symbol = 0; symbol < LENGTHS.length; symbol++) {
      if (LENGTHS[symbol] !== length) continue;
      let node = 0;
      for (let bit = length - 1; bit > 0; bit--) {
        const at = 2 * node + ((code >>> bit) & 1);
        if (nodes[at] === 0) nodes[at] = used++;
        node = nodes[at]!;
      }
      nodes[2 * node + (code & 1)] = LEAF + symbol;
      code++;
    }
    code *= 2;
  }
  return nodes;
}

/**
 * @returns the string, one character for each byte
 * @throws Error if it is not a whole number of codes, padded with ones
 */
export function decodeHuffman(bytes: Uint8Array, from: number, to: number): string {
  // The shortest code has five bits.
  const out = new Uint8Array(Math.floor(((to - from) * 8) / 5));
  let length = 0;
  let node = 0;
  let depth = 0;
  let ones = true;
  for (let at = from; at < to; at++) {
    const byte = bytes[at]!;
    for (let bit = 7; bit >= 0; bit--) {
      const one = (byte >>> bit) & 1;
      const next = tree[2 * node + one]!;
      depth++;
      ones = ones && one === 1;
      if (next < LEAF) {
        node = next;
        continue;
      }
      if (next === LEAF + EOS) throw new Error("HPACK: end of string within a string");
      out[length++] = next - LEAF;
      node = 0;
      depth = 0;
      ones = true;
    }
  }
  if (depth > 7 || !ones) throw new Error("HPACK: a string is padded wrongly");
  return latin1(out, 0, length);
}

/** One character for each byte, in a string that is not made of others: such ropes take thirty bytes and more for each character. */
export function latin1(bytes: Uint8Array, from: number, to: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString("latin1");
}
