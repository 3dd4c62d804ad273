import type { Signal } from "./batch.ts";
import { type Field, MAX_DEPTH, type Message, rootOf } from "./schema.ts";
import { BackwardWriter, WireType } from "./writer.ts";

/** A JSON document that is not OTLP. */
export class OtlpJsonError extends Error {
  override readonly name: string = "OtlpJsonError";
  /** `resourceLogs[0].scopeLogs[1].logRecords`; empty for the document itself. */
  readonly path: string;

  constructor(path: string, problem: string, options?: ErrorOptions) {
    super(path === "" ? problem : `${path}: ${problem}`, options);
    this.path = path;
  }
}

const INTEGER = /^-?\d+$/;
const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const HEX = /^(?:[0-9a-fA-F]{2})*$/;
const BASE64 = /^[A-Za-z0-9+/_-]*={0,2}$/;
/** Numbers of 16 digits and more, outside of strings (and in some strings, where it does no harm). */
const LONG_NUMBER = /[:,[\s]-?\d{16}/;

const RANGES: Readonly<Partial<Record<Field["kind"], readonly [low: bigint, high: bigint]>>> = {
  int32: [-(2n ** 31n), 2n ** 31n - 1n],
  sint32: [-(2n ** 31n), 2n ** 31n - 1n],
  enum: [-(2n ** 31n), 2n ** 31n - 1n],
  uint32: [0n, 2n ** 32n - 1n],
  fixed32: [0n, 2n ** 32n - 1n],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  sfixed64: [-(2n ** 63n), 2n ** 63n - 1n],
  uint64: [0n, 2n ** 64n - 1n],
  fixed64: [0n, 2n ** 64n - 1n],
};

function describe(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  if (typeof value === "object") return "an object";
  const text = typeof value === "string" ? JSON.stringify(value) : String(value);
  return text.length > 40 ? `${text.slice(0, 40)}...` : text;
}

/** Integers that a double cannot hold, from the document's own text. */
function exactNumber(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  const source = context?.source;
  return typeof value === "number" && !Number.isSafeInteger(value) && source !== undefined && INTEGER.test(source)
    ? BigInt(source)
    : value;
}

function parse(text: string): unknown {
  try {
    return LONG_NUMBER.test(text) ? JSON.parse(text, exactNumber) : JSON.parse(text);
  } catch (error) {
    throw new OtlpJsonError("", `not JSON: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** One document that is being written, from its last field to its first. */
class JsonDecoder {
  readonly writer: BackwardWriter;
  /** Names and indices down to the value at hand. */
  readonly #path: (string | number)[] = [];

  constructor(capacity: number) {
    this.writer = new BackwardWriter(capacity);
  }

  message(message: Message, value: unknown, depth: number): void {
    if (!isObject(value)) throw this.#error(`expected an object (${message.name})`, value);
    if (depth > MAX_DEPTH) throw this.#fail(`nested deeper than ${MAX_DEPTH} messages`);
    // In the document's order, from its end: of two members of a oneof, the later one counts on the wire as well.
    const keys = Object.keys(value);
    for (let i = keys.length - 1; i >= 0; i--) {
      const key = keys[i]!;
      const field = message.byName.get(key);
      if (field === undefined) continue;
      const content = value[key];
      if (content === null) continue;
      this.#path.push(key);
      if (field.repeated) this.#repeated(field, content, depth);
      else this.#field(field, content, depth, field.optional || field.oneof !== undefined);
      this.#path.pop();
    }
  }

  #repeated(field: Field, value: unknown, depth: number): void {
    if (!Array.isArray(value)) throw this.#error("expected an array", value);
    if (value.length === 0) return;
    const { writer } = this;
    const mark = writer.mark;
    for (let i = value.length - 1; i >= 0; i--) {
      this.#path.push(i);
      if (field.packed) this.#scalar(field, value[i], true);
      else this.#field(field, value[i], depth, true);
      this.#path.pop();
    }
    if (field.packed) writer.message(field.number, mark);
  }

  /** @param present whether a default value is written */
  #field(field: Field, value: unknown, depth: number, present: boolean): void {
    const { writer } = this;
    const mark = writer.mark;
    if (field.message !== undefined) {
      this.message(field.message, value, depth + 1);
      writer.message(field.number, mark);
    } else if (!this.#scalar(field, value, present)) {
      return;
    } else if (field.wireType === WireType.LEN) {
      writer.message(field.number, mark);
    } else {
      writer.tag(field.number, field.wireType);
    }
  }

  /** Writes a value without its tag. @returns false for a default value that need not be written */
  #scalar(field: Field, value: unknown, present: boolean): boolean {
    const { writer } = this;
    switch (field.kind) {
      case "string":
        if (typeof value !== "string") throw this.#error("expected a string", value);
        if (value === "" && !present) return false;
        writer.utf8(value);
        return true;
      case "bytes": {
        const bytes = this.#bytes(field, value);
        if (bytes.length === 0 && !present) return false;
        writer.raw(bytes);
        return true;
      }
      case "bool":
        if (typeof value !== "boolean") throw this.#error("expected true or false", value);
        if (!value && !present) return false;
        writer.varint(value ? 1 : 0);
        return true;
      case "double": {
        const number = this.#double(value);
        if (Object.is(number, 0) && !present) return false;
        writer.double(number);
        return true;
      }
      default:
        return this.#integer(field, value, present);
    }
  }

  #integer(field: Field, value: unknown, present: boolean): boolean {
    const { writer } = this;
    const { kind } = field;
    const named = kind === "enum" && typeof value === "string" ? field.enumNumbers?.get(value) : undefined;
    const integer = named ?? this.#exact(field, value);
    if ((integer === 0 || integer === 0n) && !present) return false;
    if (kind === "fixed64" || kind === "sfixed64") writer.fixed64(BigInt(integer));
    else if (kind === "fixed32") writer.fixed32(Number(integer));
    else if (kind === "sint32") writer.varint(((Number(integer) << 1) ^ (Number(integer) >> 31)) >>> 0);
    else if (typeof integer === "number" && integer >= 0) writer.varint(integer);
    else writer.varint64(BigInt(integer));
    return true;
  }

  /** @returns a number when it is exact */
  #exact(field: Field, value: unknown): number | bigint {
    let integer: number | bigint | undefined;
    if (typeof value === "bigint") integer = value;
    else if (typeof value === "number" && Number.isInteger(value))
      integer = Number.isSafeInteger(value) ? value : BigInt(value);
    else if (typeof value === "string" && field.kind !== "enum" && value.length <= 40 && INTEGER.test(value))
      integer = value.length <= 15 ? Number(value) : BigInt(value);
    if (integer === undefined)
      throw this.#error(field.kind === "enum" ? "expected an enum's number or name" : "expected an integer", value);
    const [low, high] = RANGES[field.kind] ?? [0n, 0n];
    if (integer < low || integer > high) throw this.#error(`expected an integer from ${low} to ${high}`, value);
    return integer;
  }

  #double(value: unknown): number {
    if (typeof value === "number") return value;
    if (typeof value === "bigint") return Number(value);
    if (typeof value === "string") {
      if (value === "NaN" || value === "Infinity" || value === "-Infinity" || DECIMAL.test(value)) return Number(value);
    }
    throw this.#error("expected a number", value);
  }

  #bytes(field: Field, value: unknown): Uint8Array {
    if (typeof value !== "string") throw this.#error("expected a string", value);
    if (field.isId) {
      if (!HEX.test(value)) throw this.#error("expected hexadecimal digits", value);
      return Buffer.from(value, "hex");
    }
    const digits = value.replace(/=+$/, "");
    if (!BASE64.test(value) || digits.length % 4 === 1) throw this.#error("expected base64", value);
    return Buffer.from(digits, "base64");
  }

  #error(expected: string, value: unknown): OtlpJsonError {
    return this.#fail(`${expected}, got ${describe(value)}`);
  }

  #fail(problem: string): OtlpJsonError {
    const path = this.#path.map((part) => (typeof part === "number" ? `[${part}]` : `.${part}`)).join("");
    return new OtlpJsonError(path.replace(/^\./, ""), problem);
  }
}

/**
 * OTLP JSON as protobuf bytes. As proto3 and the Collector do, it takes 64-bit integers as numbers (exactly, however long) or
 * strings, enums as numbers or names, names in lowerCamelCase or as in the `.proto` files, base64 of either alphabet, ids in
 * hexadecimal of either case; `null` is the same as absent, and unknown fields are ignored.
 *
 * @returns well-formed bytes in a buffer of their own
 * @throws OtlpJsonError for anything else, with the path of the value that is wrong
 */
export function decodeJson(signal: Signal, text: string): Uint8Array<ArrayBuffer> {
  const document = parse(text);
  // Protobuf is about half as long as its JSON.
  const decoder = new JsonDecoder(text.length >> 1);
  decoder.message(rootOf(signal), document, 0);
  return decoder.writer.finish();
}
