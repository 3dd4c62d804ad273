// Changing the value that an attribute has: hashing and converting.
import { parsed, parseDouble, parseInteger } from "@otelwasm/sdk/number";
import { SHA256_HEX_SIZE, sha256Hex } from "@otelwasm/sdk/sha256";
import { Entry, replaceValue } from "./entries";
import { textEnd, textOf } from "./text";
import { contentEnd, contentStart, Kind, newDouble, newInteger, newText, readValue, scalar, writtenEnd } from "./value";

export const enum ConvertTo {
  INT,
  DOUBLE,
  STRING,
}

const digest = memory.data(64);
const bits = memory.data(8);

/** SHA-256 of text, of a boolean's byte, of a number's eight; everything else becomes empty text. */
export function hashEntry(entry: Entry): void {
  const kind = readValue(entry.valueStart, entry.valueEnd);
  let start: usize = bits;
  let size: usize = 8;
  switch (kind) {
    case Kind.STR:
      start = contentStart;
      size = contentEnd - contentStart;
      break;
    case Kind.BOOL:
      size = 1;
      store<u64>(bits, scalar);
      break;
    case Kind.INT:
    case Kind.DOUBLE:
      store<u64>(bits, scalar);
      break;
    default: {
      const empty = newText(digest, 0);
      replaceValue(entry, empty, writtenEnd);
      return;
    }
  }
  sha256Hex(start, size, digest);
  const value = newText(digest, SHA256_HEX_SIZE);
  replaceValue(entry, value, writtenEnd);
}

/** What cannot be converted stays as it is. */
export function convertEntry(entry: Entry, to: ConvertTo): void {
  const kind = readValue(entry.valueStart, entry.valueEnd);
  switch (to) {
    case ConvertTo.STRING: {
      if (kind == Kind.STR) return;
      const start = textOf(entry.valueStart, entry.valueEnd);
      const value = newText(start, textEnd - start);
      replaceValue(entry, value, writtenEnd);
      return;
    }
    case ConvertTo.INT: {
      let integer: i64 = 0;
      if (kind == Kind.DOUBLE) integer = <i64>reinterpret<f64>(scalar);
      else if (kind == Kind.BOOL) integer = scalar;
      else if (kind == Kind.STR) {
        integer = parseInteger(contentStart, contentEnd);
        if (!parsed) return;
      } else return;
      const value = newInteger(integer);
      replaceValue(entry, value, writtenEnd);
      return;
    }
    default: {
      let double: f64 = 0;
      if (kind == Kind.INT) double = <f64>(<i64>scalar);
      else if (kind == Kind.BOOL) double = <f64>scalar;
      else if (kind == Kind.STR) {
        double = parseDouble(contentStart, contentEnd);
        if (!parsed) return;
      } else return;
      const value = newDouble(double);
      replaceValue(entry, value, writtenEnd);
    }
  }
}
