// What the processor does to the attributes of a span, a log record or a data point.
import { Json, JsonType } from "@otelwasm/sdk/config/json";
import { Regexp } from "@otelwasm/sdk/regexp";
import { Constant, constantOf } from "./constant";
import { convertEntry, ConvertTo, hashEntry } from "./change";
import { appendEntry, constantEnd, encodeConstant, Entry, entryCount, entryOf, liveEntry, removeEntry, replaceValue } from "./entries";
import { compile } from "./filter";
import { slotOf } from "./keys";
import { checkKeys, child, fail, join, readText } from "./reader";
import { contentEnd, contentStart, Kind, newText, readValue, writtenEnd } from "./value";

const KEYS: string[] = ["key", "action", "value", "from_attribute", "from_context", "default_value", "pattern", "converted_type"];
const ACTIONS: string[] = ["insert", "update", "upsert", "delete", "hash", "extract", "convert"];
const TYPES: string[] = ["int", "double", "string"];

const enum Verb {
  INSERT,
  UPDATE,
  UPSERT,
  DELETE,
  HASH,
  EXTRACT,
  CONVERT,
}

/** One more than the highest number that attributes have in spans, log records and data points. */
const FIELDS: i32 = 10;

export class Action {
  /** Looks at every attribute's key. */
  readonly everyKey: bool;

  private verb: i32;
  private slot: i32 = -1;
  private from: i32 = -1;
  private value: Constant | null = null;
  private fallback: Constant | null = null;
  private pattern: Regexp | null = null;
  private convertTo: ConvertTo = ConvertTo.STRING;
  /** Of an extraction: the slot for each group; 0 stands for the whole match. */
  private targets: Array<i32> = [];
  /** The attribute with the constant value, encoded, by its field number: start and end. */
  private encoded: StaticArray<usize> = new StaticArray<usize>(FIELDS * 2);

  constructor(json: Json, path: string) {
    checkKeys(json, path, KEYS);
    const map = json.type == JsonType.Object ? json : new Json(JsonType.Object);
    const verb = readText(map, path, "action");
    this.verb = ACTIONS.indexOf(verb.toLowerCase());
    this.everyKey = (this.verb == Verb.DELETE || this.verb == Verb.HASH) && readText(map, path, "pattern") != "";
    if (verb == "") fail(join(path, "action"), "is required; one of " + ACTIONS.join(", "));
    else if (this.verb < 0) fail(join(path, "action"), 'unknown action "' + verb + '"; known: ' + ACTIONS.join(", "));
    const key = readText(map, path, "key");
    if (key != "") this.slot = slotOf(key);
    else if (this.verb == Verb.DELETE || this.verb == Verb.HASH) {
      if (!this.everyKey) fail(path, "key or pattern is required for action " + verb);
    } else fail(join(path, "key"), "is required");
    this.refuse(map, path, "from_context", "is not supported: plugins do not see the client's metadata", child(map, "from_context") !== null);
    switch (this.verb) {
      case Verb.INSERT:
      case Verb.UPDATE:
      case Verb.UPSERT:
        this.readSource(map, path, verb);
        break;
      case Verb.DELETE:
      case Verb.HASH:
        this.unused(map, path, verb, ["value", "from_attribute", "default_value", "converted_type"]);
        if (this.everyKey) this.pattern = compile(readText(map, path, "pattern"), join(path, "pattern"));
        break;
      case Verb.EXTRACT:
        this.unused(map, path, verb, ["value", "from_attribute", "default_value", "converted_type"]);
        this.readGroups(readText(map, path, "pattern"), join(path, "pattern"));
        break;
      default:
        this.unused(map, path, verb, ["value", "from_attribute", "default_value", "pattern"]);
        this.readType(readText(map, path, "converted_type"), join(path, "converted_type"));
    }
  }

  private refuse(map: Json, path: string, key: string, why: string, present: bool): void {
    if (present) fail(join(path, key), why);
  }

  private unused(map: Json, path: string, verb: string, keys: string[]): void {
    for (let i = 0; i < keys.length; ++i) {
      this.refuse(map, path, keys[i], "is not used by action " + verb + "; remove it", isSet(map, keys[i]));
    }
  }

  private readSource(map: Json, path: string, verb: string): void {
    this.unused(map, path, verb, ["pattern", "converted_type"]);
    const value = child(map, "value");
    const from = readText(map, path, "from_attribute");
    const fallback = child(map, "default_value");
    if (value !== null && from != "") fail(path, "value and from_attribute exclude each other");
    if (value === null && from == "" && fallback === null) {
      fail(path, "one of value, from_attribute, default_value is required for action " + verb);
    }
    if (from != "") this.from = slotOf(from);
    if (value !== null) this.value = constantOf(value, join(path, "value"));
    if (fallback !== null) this.fallback = constantOf(fallback, join(path, "default_value"));
    const constant = this.constant;
    if (constant === null || this.slot < 0 || this.verb == Verb.UPDATE) return;
    for (let field = 1; field < FIELDS; ++field) {
      this.encoded[field * 2] = encodeConstant(field, this.slot, constant.start, constant.end);
      this.encoded[field * 2 + 1] = constantEnd;
    }
  }

  /** What is put when no attribute is its source. */
  private get constant(): Constant | null {
    return this.value !== null ? this.value : this.fallback;
  }

  private readGroups(pattern: string, path: string): void {
    if (pattern == "") {
      fail(path, "is required for action extract");
      return;
    }
    const regexp = compile(pattern, path);
    const names = regexp.groupNames;
    if (regexp.error !== null) return;
    if (names.length < 2) fail(path, "has no named group, like (?P<name>...)");
    this.targets.push(-1);
    for (let i = 1; i < names.length; ++i) {
      if (names[i] == "") fail(path, "has a group without a name; write (?:...) for a group that extracts nothing");
      this.targets.push(slotOf(names[i]));
    }
    this.pattern = regexp;
  }

  private readType(type: string, path: string): void {
    const index = TYPES.indexOf(type);
    if (type == "") fail(path, "is required for action convert; one of " + TYPES.join(", "));
    else if (index < 0) fail(path, 'unknown type "' + type + '"; known: ' + TYPES.join(", "));
    this.convertTo = index;
  }

  /** Does its work on the entries. @param field the number that attributes have in the message */
  apply(field: u32): void {
    const slot = this.slot;
    switch (this.verb) {
      case Verb.INSERT:
        if (entryOf(slot) === null && this.findSource()) this.append(field);
        break;
      case Verb.UPDATE: {
        const entry = entryOf(slot);
        if (entry !== null && this.findSource()) replaceValue(entry, sourceStart, sourceEnd);
        break;
      }
      case Verb.UPSERT: {
        if (!this.findSource()) break;
        const entry = entryOf(slot);
        if (entry === null) this.append(field);
        else replaceValue(entry, sourceStart, sourceEnd);
        break;
      }
      case Verb.DELETE: {
        if (slot >= 0) {
          const entry = entryOf(slot);
          if (entry !== null) removeEntry(entry);
        }
        if (this.everyKey) this.applyToMatching(true);
        break;
      }
      case Verb.HASH: {
        if (slot >= 0) {
          const entry = entryOf(slot);
          if (entry !== null) hashEntry(entry);
        }
        if (this.everyKey) this.applyToMatching(false);
        break;
      }
      case Verb.EXTRACT:
        this.extract();
        break;
      default: {
        const entry = entryOf(slot);
        if (entry !== null) convertEntry(entry, this.convertTo);
      }
    }
  }

  /** @returns whether there is a value to put: `sourceStart` and `sourceEnd` */
  private findSource(): bool {
    let constant = this.value;
    fromConstant = true;
    if (constant === null) {
      if (this.from >= 0) {
        const entry = entryOf(this.from);
        if (entry !== null) {
          fromConstant = false;
          sourceStart = entry.valueStart;
          sourceEnd = entry.valueEnd;
          return true;
        }
      }
      constant = this.fallback;
      if (constant === null) return false;
    }
    sourceStart = constant.start;
    sourceEnd = constant.end;
    return true;
  }

  private append(field: u32): void {
    const entry = appendEntry(this.slot, sourceStart, sourceEnd);
    if (!fromConstant) return;
    entry.encodedStart = unchecked(this.encoded[field * 2]);
    entry.encodedEnd = unchecked(this.encoded[field * 2 + 1]);
  }

  private applyToMatching(removing: bool): void {
    const pattern = this.pattern!;
    for (let i = 0; i < entryCount(); ++i) {
      const entry = liveEntry(i);
      if (entry === null || !pattern.matchUtf8(entry.keyStart, entry.keySize)) continue;
      if (removing) removeEntry(entry);
      else hashEntry(entry);
    }
  }

  private extract(): void {
    const entry = entryOf(this.slot);
    if (entry === null || readValue(entry.valueStart, entry.valueEnd) != Kind.STR) return;
    const pattern = this.pattern!;
    const text = contentStart;
    if (!pattern.exec(text, contentEnd - text)) return;
    for (let i = 1; i < this.targets.length; ++i) {
      // A group that took no part in the match gives empty text.
      const start = pattern.start(i);
      const value = start < 0 ? newText(text, 0) : newText(text + start, pattern.end(i) - start);
      const target = this.targets[i];
      const there = entryOf(target);
      if (there === null) appendEntry(target, value, writtenEnd);
      else replaceValue(there, value, writtenEnd);
    }
  }
}

let sourceStart: usize = 0;
let sourceEnd: usize = 0;
let fromConstant: bool = false;

function isSet(map: Json, key: string): bool {
  const json = child(map, key);
  return json !== null && !(json.type == JsonType.String && json.text == "");
}
