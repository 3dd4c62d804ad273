// Batches as anyone may write them: fields in any order and more than once, numbers packed or not and longer than
// they need to be, fields that nobody knows, groups. Drawn from bytes, so that fast-check can make them smaller.
import fc from "fast-check";
import protobuf from "protobufjs";
import { wireOf } from "./reference.ts";

class Entropy {
  #at = 0;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isSpent(): boolean {
    return this.#at >= this.#bytes.length;
  }

  below(limit: number): number {
    return (this.#bytes[this.#at++] ?? 0) % limit;
  }
}

/** Well-formed bytes of a message. */
export function batch(type: protobuf.Type, maxLength = 1500): fc.Arbitrary<Uint8Array> {
  return fc.uint8Array({ maxLength, size: "max" }).map((bytes) => {
    const entropy = new Entropy(bytes);
    const parts: number[][] = [];
    while (!entropy.isSpent) parts.push(writeMessage(type, entropy, 0));
    return Uint8Array.from(parts.flat());
  });
}

function writeMessage(type: protobuf.Type, entropy: Entropy, depth: number): number[] {
  const fields = type.fieldsArray;
  const out: number[] = [];
  for (let i = entropy.below(fields.length + 3); i > 0 && !entropy.isSpent; --i) {
    const field = fields[entropy.below(fields.length)];
    if (entropy.below(8) === 7) out.push(...writeUnknown(entropy));
    else if (field !== undefined && (depth < 12 || !(field.resolvedType instanceof protobuf.Type)))
      out.push(...writeField(field, entropy, depth));
  }
  return out;
}

function writeField(field: protobuf.Field, entropy: Entropy, depth: number): number[] {
  const resolved = field.resolvedType;
  if (resolved instanceof protobuf.Type)
    return delimited(field.id, writeMessage(resolved, entropy, depth + 1), entropy);
  const wire = wireOf(field);
  if (wire === 2) return delimited(field.id, writeText(field, entropy), entropy);
  if (field.repeated && entropy.below(2) === 1) {
    const values: number[] = [];
    for (let i = entropy.below(5); i > 0; --i) values.push(...writeNumber(field, wire, entropy));
    return delimited(field.id, values, entropy);
  }
  return [...varint(BigInt((field.id << 3) | wire), entropy), ...writeNumber(field, wire, entropy)];
}

const TEXTS = ["", "a", "service.name", "marked", "é", "😀 text", "x".repeat(130)];

function writeText(field: protobuf.Field, entropy: Entropy): number[] {
  if (field.type === "string") return [...Buffer.from(TEXTS[entropy.below(TEXTS.length)] ?? "")];
  return Array.from({ length: entropy.below(20) }, () => entropy.below(256));
}

const NUMBERS = [0n, 1n, 2n, 127n, 128n, 300n, 0xffffffffn, 0x7fffffffffffffffn, 0xffffffffffffffffn];

function writeNumber(field: protobuf.Field, wire: number, entropy: Entropy): number[] {
  const value = NUMBERS[entropy.below(NUMBERS.length)] ?? 0n;
  const bytes = Buffer.alloc(8);
  if (field.type === "double")
    bytes.writeDoubleLE([0, 1.5, -2, 1e300, Number.POSITIVE_INFINITY][entropy.below(5)] ?? 0);
  else bytes.writeBigUInt64LE(value);
  if (wire === 1) return [...bytes];
  if (wire === 5) return [...bytes.subarray(0, 4)];
  if (field.type === "bool") return varint(value & 1n, entropy);
  return varint(field.type.endsWith("64") ? value : BigInt.asUintN(31, value), entropy);
}

/** Fields whose numbers no message has; one of them a group. */
function writeUnknown(entropy: Entropy): number[] {
  const tag = (wire: number): number[] => varint(BigInt((900 << 3) | wire), entropy);
  switch (entropy.below(5)) {
    case 0:
      return [...tag(0), ...varint(BigInt(entropy.below(256)), entropy)];
    case 1:
      return [...tag(1), 1, 2, 3, 4, 5, 6, 7, entropy.below(256)];
    case 2:
      return [...tag(5), 1, 2, 3, entropy.below(256)];
    case 3:
      return [...tag(3), ...delimited(1, [1, 2, 3], entropy), 0x13, 0x08, 0x01, 0x14, ...tag(4)];
    default:
      return delimited(901, [entropy.below(256), 0xff], entropy);
  }
}

function delimited(id: number, content: number[], entropy: Entropy): number[] {
  return [...varint(BigInt((id << 3) | 2), entropy), ...varint(BigInt(content.length), entropy), ...content];
}

/** Now and then a byte longer than it needs to be. */
function varint(value: bigint, entropy: Entropy): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80n) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  if (bytes.length < 5 && entropy.below(16) === 15) {
    const last = bytes.length - 1;
    bytes[last] = (bytes[last] ?? 0) | 0x80;
    bytes.push(0);
  }
  return bytes;
}
