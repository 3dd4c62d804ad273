// Lists of texts of which one has to match: equal, or as regular expressions.
import { Json, JsonType } from "@otelwasm/sdk/config/json";
import { Regexp } from "@otelwasm/sdk/regexp";
import { sameBytes } from "@otelwasm/sdk/wire/read";
import { equalValues } from "./equal";
import { at, checkKeys, child, fail, join, readList, readText } from "./reader";
import { Constant, constantOf } from "./constant";
import { Entry } from "./entries";
import { slotOf } from "./keys";
import { scalarTextOf, textEnd } from "./text";
import { Kind } from "./value";

/** How `match_type` says that texts are compared. */
export class MatchType {
  constructor(
    readonly regexp: bool,
    /** Neither "strict" nor "regexp": an error as soon as a text is to be matched. */
    readonly unknown: bool,
    readonly path: string,
    readonly written: string,
  ) {}

  check(): void {
    if (!this.unknown) return;
    if (this.written == "") fail(this.path, 'is required; one of "strict", "regexp"');
    else fail(this.path, 'unknown match type "' + this.written + '"; known: strict, regexp');
  }
}

export class Filter {
  private expressions: Array<Regexp> = [];
  private texts: Array<ArrayBuffer> = [];

  constructor(values: string[], path: string, type: MatchType) {
    type.check();
    for (let i = 0; i < values.length; ++i) {
      if (type.regexp) this.expressions.push(compile(values[i], values.length == 1 ? path : at(path, i)));
      else this.texts.push(String.UTF8.encode(values[i]));
    }
  }

  matches(start: usize, end: usize): bool {
    const size = end - start;
    for (let i = 0; i < this.texts.length; ++i) {
      const each = unchecked(this.texts[i]);
      if (<usize>each.byteLength == size && sameBytes(changetype<usize>(each), start, size)) return true;
    }
    for (let i = 0; i < this.expressions.length; ++i) {
      if (unchecked(this.expressions[i]).matchUtf8(start, size)) return true;
    }
    return false;
  }
}

/** @returns null when the list is empty or not there */
export function filterOf(values: string[], path: string, type: MatchType): Filter | null {
  return values.length == 0 ? null : new Filter(values, path, type);
}

/** Compiles a regular expression; an error is one of the configuration. */
export function compile(pattern: string, path: string): Regexp {
  const regexp = Regexp.tryCompile(pattern);
  if (regexp.error !== null) fail(path, 'invalid regular expression "' + pattern + '": ' + regexp.error!);
  return regexp;
}

/** `{key, value}`: the key has to be there and, if there is a value, to match it. */
export class Condition {
  readonly slot: i32;
  readonly key: string;
  private filter: Filter | null = null;
  private value: Constant | null = null;

  constructor(json: Json, path: string, type: MatchType) {
    checkKeys(json, path, ["key", "value"]);
    this.key = json.type == JsonType.Object ? readText(json, path, "key") : "";
    if (this.key == "") fail(join(path, "key"), "is required");
    this.slot = slotOf(this.key);
    const value = json.type == JsonType.Object ? child(json, "value") : null;
    if (value !== null) {
      type.check();
      const place = join(path, "value");
      if (!type.regexp) this.value = constantOf(value, place);
      else if (value.type == JsonType.String) this.filter = new Filter([value.text], place, type);
      else fail(place, "must be a string with match_type regexp, but is " + value.description);
    }
  }

  /** @param entry the attribute with the key, null if there is none */
  matches(entry: Entry | null): bool {
    if (entry === null) return false;
    const filter = this.filter;
    if (filter !== null) {
      const start = scalarTextOf(entry.valueStart, entry.valueEnd);
      return start != 0 && filter.matches(start, textEnd);
    }
    const value = this.value;
    return value === null || value.kind == Kind.EMPTY || equalValues(value.start, value.end, entry.valueStart, entry.valueEnd);
  }
}

export function conditionsOf(object: Json, path: string, key: string, type: MatchType): Condition[] {
  const items = readList(object, path, key);
  const conditions: Condition[] = [];
  for (let i = 0; i < items.length; ++i) conditions.push(new Condition(items[i], at(join(path, key), i), type));
  return conditions;
}
