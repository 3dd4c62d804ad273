// Texts and attributes that a condition wants.
import { Attributes, Utf8, Value, ValueType } from "@otelwasm/sdk";
import { configFail } from "@otelwasm/sdk/config/config";
import { DOUBLE_TEXT_SIZE, writeDoublePlain, writeInteger } from "@otelwasm/sdk/number";
import { Regexp } from "@otelwasm/sdk/regexp";
import { sameBytes } from "@otelwasm/sdk/wire/read";
import { AttributeSettings } from "./settings";

const SCRATCH_SIZE: usize = 400;
const scratch = memory.data(400);
const TRUE = memory.data<u8>([0x74, 0x72, 0x75, 0x65]);
const FALSE = memory.data<u8>([0x66, 0x61, 0x6c, 0x73, 0x65]);

/** A text that is equal, or that a regular expression is found in. */
export class TextMatcher {
  private expression: Regexp | null = null;
  private bytes: ArrayBuffer = new ArrayBuffer(0);

  constructor(text: string, matchType: string, path: string) {
    if (matchType == "regexp") {
      const expression = Regexp.tryCompile(text);
      if (expression.error !== null) configFail(path, 'is not a regular expression: "' + text + '": ' + expression.error!);
      this.expression = expression;
    } else this.bytes = String.UTF8.encode(text);
  }

  /** @param start of the UTF-8 bytes; 0 for a field that is not there, which is an empty text */
  matches(start: usize, end: usize): bool {
    if (start == 0) start = end = scratch;
    const expression = this.expression;
    if (expression !== null) return expression.matchUtf8(start, end - start);
    const bytes = this.bytes;
    return end - start == <usize>bytes.byteLength && sameBytes(start, changetype<usize>(bytes), end - start);
  }

  matchesUtf8(text: Utf8): bool {
    return this.matches(text.start, text.end);
  }

  matchesValue(value: Value): bool {
    switch (value.type) {
      case ValueType.Str:
        return this.matchesUtf8(value.strUtf8);
      case ValueType.Int:
        return this.matches(scratch, writeInteger(scratch, value.int));
      case ValueType.Double:
        assert(DOUBLE_TEXT_SIZE <= SCRATCH_SIZE);
        return this.matches(scratch, writeDoublePlain(scratch, value.double));
      case ValueType.Bool:
        return value.bool ? this.matches(TRUE, TRUE + 4) : this.matches(FALSE, FALSE + 5);
      default:
        return false;
    }
  }
}

/** @returns null when the configuration has no such criterion */
export function textMatcher(text: string | null, matchType: string, path: string): TextMatcher | null {
  return text === null ? null : new TextMatcher(text, matchType, path);
}

/** An attribute that is there and, if the configuration says so, has a value that matches. */
export class AttributeMatcher {
  private key: string;
  private value: TextMatcher | null;

  constructor(settings: AttributeSettings, matchType: string, path: string) {
    this.key = settings.key;
    if (settings.key == "") configFail(path + ".key", "must not be empty");
    this.value = textMatcher(settings.value, matchType, path + ".value");
  }

  matches(attributes: Attributes): bool {
    const matcher = this.value;
    if (matcher === null) return attributes.has(this.key);
    const value = attributes.get(this.key);
    return value !== null && matcher.matchesValue(value);
  }
}

export function attributeMatchers(settings: AttributeSettings[], matchType: string, path: string): AttributeMatcher[] {
  const matchers: AttributeMatcher[] = [];
  for (let i = 0; i < settings.length; ++i) {
    matchers.push(new AttributeMatcher(settings[i], matchType, path + "[" + i.toString() + "]"));
  }
  return matchers;
}

export function allMatch(matchers: AttributeMatcher[], attributes: Attributes): bool {
  for (let i = 0, count = matchers.length; i < count; ++i) {
    if (!unchecked(matchers[i]).matches(attributes)) return false;
  }
  return true;
}

/** @returns the index of a word among those that are allowed, whatever the case; reports others */
export function wordIndex(word: string | null, allowed: string[], path: string): i32 {
  if (word === null) return -1;
  const index = allowed.indexOf(word.toLowerCase());
  if (index < 0) configFail(path, 'is "' + word + '"; known are: ' + allowed.join(", "));
  return index;
}
