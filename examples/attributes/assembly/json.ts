// Arrays and maps as JSON, as Go's encoder writes them without its escapes for HTML: keys sorted, no spaces.
import { malformed } from "@otelwasm/sdk/wire/error";
import { after, BYTES, MAXIMUM_DEPTH, readLength, readTag, skipValue } from "@otelwasm/sdk/wire/read";
import { decodeRune, runeSize } from "@otelwasm/sdk/regexp/utf8";
import { arenaAllocate } from "@otelwasm/sdk/memory/arena";
import { DOUBLE_TEXT_SIZE, writeDouble, writeInteger } from "@otelwasm/sdk/number";
import { base64Size, writeBase64 } from "./text";
import { contentEnd, contentStart, Kind, readValue, scalar } from "./value";

/** The result: bytes of the arena. */
@unmanaged
export class Json {
  start: usize;
  end: usize;
  limit: usize;

  /** Makes room. @returns where it is */
  room(size: usize): usize {
    if (this.end + size > this.limit) {
      const used = this.end - this.start;
      const wider = arenaAllocate((used + size) * 2);
      memory.copy(wider, this.start, used);
      this.start = wider;
      this.end = wider + used;
      this.limit = wider + (used + size) * 2;
    }
    return this.end;
  }

  byte(value: u8): void {
    store<u8>(this.room(1), value);
    ++this.end;
  }

  ascii(text: string): void {
    for (let i = 0; i < text.length; ++i) this.byte(<u8>text.charCodeAt(i));
  }
}

/** A key of a map, and its value. */
@unmanaged
class Member {
  keyStart: usize;
  keyEnd: usize;
  valueStart: usize;
  valueEnd: usize;
  /** Its place in the map: of two members with one key the later one counts. */
  place: i32;
}

/** @returns the JSON text of a value's bytes */
export function writeJson(start: usize, end: usize): Json {
  const json = changetype<Json>(arenaAllocate(offsetof<Json>()));
  json.start = arenaAllocate(256);
  json.end = json.start;
  json.limit = json.start + 256;
  value(json, start, end, 0);
  return json;
}

function value(json: Json, start: usize, end: usize, depth: u32): void {
  if (depth > MAXIMUM_DEPTH) {
    malformed("values are nested more than 100 deep", start);
    return;
  }
  const kind = readValue(start, end);
  switch (kind) {
    case Kind.STR:
      text(json, contentStart, contentEnd);
      break;
    case Kind.BOOL:
      json.ascii(scalar != 0 ? "true" : "false");
      break;
    case Kind.INT:
      json.end = writeInteger(json.room(24), scalar);
      break;
    case Kind.DOUBLE: {
      const number = reinterpret<f64>(scalar);
      // JSON has no word for them; Go's encoder gives up here.
      if (number - number != 0) json.ascii("null");
      else json.end = writeDouble(json.room(DOUBLE_TEXT_SIZE), number);
      break;
    }
    case Kind.BYTES: {
      const from = contentStart;
      const until = contentEnd;
      // To Go, no bytes are a slice that is not there.
      if (from == until) {
        json.ascii("null");
        break;
      }
      json.byte(0x22);
      json.end = writeBase64(json.room(base64Size(until - from)), from, until);
      json.byte(0x22);
      break;
    }
    case Kind.ARRAY:
      array(json, contentStart, contentEnd, depth);
      break;
    case Kind.MAP:
      map(json, contentStart, contentEnd, depth);
      break;
    default:
      json.ascii("null");
  }
}

function array(json: Json, p: usize, end: usize, depth: u32): void {
  json.byte(0x5b);
  let first = true;
  while (nextItem(p, end)) {
    p = itemEnd;
    if (!first) json.byte(0x2c);
    first = false;
    value(json, itemStart, itemEnd, depth + 1);
  }
  json.byte(0x5d);
}

let itemStart: usize = 0;
let itemEnd: usize = 0;

/** The items of `ArrayValue` and `KeyValueList` are both in field 1. */
function nextItem(p: usize, end: usize): bool {
  while (p < end) {
    const tag = readTag(p, end);
    p = after;
    if (p == 0) return false;
    if (tag == ((1 << 3) | BYTES)) {
      const size = readLength(p, end);
      itemStart = after;
      itemEnd = itemStart + size;
      return itemStart != 0;
    }
    p = skipValue(p, end, tag);
    if (p == 0) return false;
  }
  return false;
}

function map(json: Json, p: usize, end: usize, depth: u32): void {
  let count = 0;
  for (let each = p; nextItem(each, end); each = itemEnd) ++count;
  const members = new StaticArray<usize>(count);
  for (let i = 0; i < count && nextItem(p, end); ++i) {
    p = itemEnd;
    members[i] = changetype<usize>(member(itemStart, itemEnd, i));
  }
  members.sort((a, b) => order(changetype<Member>(a), changetype<Member>(b)));
  json.byte(0x7b);
  let first = true;
  for (let i = 0; i < count; ++i) {
    const each = changetype<Member>(members[i]);
    if (i + 1 < count && compareKeys(each, changetype<Member>(members[i + 1])) == 0) continue;
    if (!first) json.byte(0x2c);
    first = false;
    text(json, each.keyStart, each.keyEnd);
    json.byte(0x3a);
    value(json, each.valueStart, each.valueEnd, depth + 1);
  }
  json.byte(0x7d);
}

function member(start: usize, end: usize, place: i32): Member {
  const found = changetype<Member>(arenaAllocate(offsetof<Member>()));
  found.keyStart = found.keyEnd = found.valueStart = found.valueEnd = start;
  found.place = place;
  let p = start;
  while (p < end) {
    const tag = readTag(p, end);
    p = after;
    if (p == 0) return found;
    if ((tag & 7) == BYTES && tag >> 3 <= 2) {
      const size = readLength(p, end);
      if (after == 0) return found;
      if (tag >> 3 == 1) {
        found.keyStart = after;
        found.keyEnd = after + size;
      } else {
        found.valueStart = after;
        found.valueEnd = after + size;
      }
    }
    p = skipValue(p, end, tag);
    if (p == 0) return found;
  }
  return found;
}

function compareKeys(a: Member, b: Member): i32 {
  const sizeA = a.keyEnd - a.keyStart;
  const sizeB = b.keyEnd - b.keyStart;
  const common = memory.compare(a.keyStart, b.keyStart, min(sizeA, sizeB));
  return common != 0 ? common : <i32>sizeA - <i32>sizeB;
}

function order(a: Member, b: Member): i32 {
  const keys = compareKeys(a, b);
  return keys != 0 ? keys : a.place - b.place;
}

const HEX = "0123456789abcdef";

function text(json: Json, p: usize, end: usize): void {
  json.byte(0x22);
  while (p < end) {
    const c = load<u8>(p);
    if (c >= 0x80) {
      const rune = decodeRune(p, end);
      if (runeSize == 1) json.ascii("\\ufffd");
      else if (rune == 0x2028) json.ascii("\\u2028");
      else if (rune == 0x2029) json.ascii("\\u2029");
      else {
        memory.copy(json.room(runeSize), p, runeSize);
        json.end += runeSize;
      }
      p += runeSize;
      continue;
    }
    ++p;
    if (c == 0x22 || c == 0x5c) {
      json.byte(0x5c);
      json.byte(c);
    } else if (c >= 0x20) {
      json.byte(c);
    } else if (c == 0x08) json.ascii("\\b");
    else if (c == 0x0c) json.ascii("\\f");
    else if (c == 0x0a) json.ascii("\\n");
    else if (c == 0x0d) json.ascii("\\r");
    else if (c == 0x09) json.ascii("\\t");
    else {
      json.ascii("\\u00");
      json.byte(<u8>HEX.charCodeAt(c >> 4));
      json.byte(<u8>HEX.charCodeAt(c & 15));
    }
  }
  json.byte(0x22);
}
