// JSON as RFC 8259 has it, from UTF-8. Only for configurations: telemetry never becomes JSON in a plugin.

export enum JsonType {
  Null,
  Bool,
  Number,
  String,
  Array,
  Object,
}

const NAMES: string[] = ["null", "a boolean", "a number", "a string", "a list", "a map"];
const MAXIMUM_DEPTH = 100;

export class Json {
  /** A string's text; a number as it is written. */
  text: string = "";
  truth: bool = false;
  items: Json[] = [];
  /** An object's keys; `items` has the values. */
  keys: string[] = [];

  constructor(readonly type: JsonType) {}

  /** @returns the value of a key, the last one if it stands twice; null if there is none */
  get(key: string): Json | null {
    const at = this.keys.lastIndexOf(key);
    return at < 0 ? null : this.items[at];
  }

  /** What it is, with its article, for messages. */
  get description(): string {
    return NAMES[this.type];
  }
}

export class JsonParser {
  /** What is wrong; empty as long as nothing is. */
  error: string = "";
  private at: usize;

  constructor(
    private readonly start: usize,
    private readonly end: usize,
  ) {
    this.at = start;
  }

  /** @returns the document's value; with {@link error} set it is of no use */
  parse(): Json {
    const value = this.value(0);
    this.space();
    if (this.at < this.end) this.fail("something follows the end");
    return value;
  }

  private fail(what: string): Json {
    if (this.error == "") this.error = what + " at byte " + (this.at - this.start).toString();
    this.at = this.end;
    return new Json(JsonType.Null);
  }

  private space(): void {
    while (this.at < this.end) {
      const c = load<u8>(this.at);
      if (c != 0x20 && c != 0x0a && c != 0x0d && c != 0x09) return;
      ++this.at;
    }
  }

  /** The next character that is not space; 0 at the end. */
  private peek(): u8 {
    this.space();
    return this.at < this.end ? load<u8>(this.at) : 0;
  }

  private take(c: u8): bool {
    if (this.peek() != c) return false;
    ++this.at;
    return true;
  }

  private value(depth: i32): Json {
    if (depth > MAXIMUM_DEPTH) return this.fail("values are nested too deeply");
    const c = this.peek();
    if (c == 0x7b) return this.object(depth);
    if (c == 0x5b) return this.array(depth);
    if (c == 0x22) {
      const json = new Json(JsonType.String);
      json.text = this.string();
      return json;
    }
    if (c == 0x74) return this.word("true", JsonType.Bool, true);
    if (c == 0x66) return this.word("false", JsonType.Bool, false);
    if (c == 0x6e) return this.word("null", JsonType.Null, false);
    if (c == 0x2d || isDigit(c)) return this.number();
    return this.fail("a value is expected");
  }

  private word(word: string, type: JsonType, truth: bool): Json {
    for (let i = 0; i < word.length; ++i) {
      if (this.at >= this.end || load<u8>(this.at) != word.charCodeAt(i)) return this.fail("a value is expected");
      ++this.at;
    }
    const json = new Json(type);
    json.truth = truth;
    return json;
  }

  private number(): Json {
    const from = this.at;
    if (load<u8>(this.at) == 0x2d) ++this.at;
    const whole = this.at;
    if (this.digits() == 0) return this.fail("a digit is expected");
    if (load<u8>(whole) == 0x30 && this.at - whole > 1) return this.fail("a number starts with 0");
    if (this.at < this.end && load<u8>(this.at) == 0x2e) {
      ++this.at;
      if (this.digits() == 0) return this.fail("a digit is expected");
    }
    if (this.at < this.end && (load<u8>(this.at) | 0x20) == 0x65) {
      ++this.at;
      if (this.at < this.end && (load<u8>(this.at) == 0x2b || load<u8>(this.at) == 0x2d)) ++this.at;
      if (this.digits() == 0) return this.fail("a digit is expected");
    }
    const json = new Json(JsonType.Number);
    json.text = String.UTF8.decodeUnsafe(from, this.at - from);
    return json;
  }

  private digits(): usize {
    const from = this.at;
    while (this.at < this.end && isDigit(load<u8>(this.at))) ++this.at;
    return this.at - from;
  }

  private string(): string {
    ++this.at;
    let text = "";
    let from = this.at;
    while (this.at < this.end) {
      const c = load<u8>(this.at);
      if (c == 0x22) {
        text += String.UTF8.decodeUnsafe(from, this.at - from);
        ++this.at;
        return text;
      }
      if (c < 0x20) {
        this.fail("a control character stands in a string");
        return "";
      }
      ++this.at;
      if (c != 0x5c) continue;
      text += String.UTF8.decodeUnsafe(from, this.at - 1 - from) + this.escape();
      from = this.at;
    }
    this.fail("a string is not closed");
    return "";
  }

  private escape(): string {
    const c = this.at < this.end ? load<u8>(this.at) : 0;
    ++this.at;
    switch (c) {
      case 0x22:
      case 0x5c:
      case 0x2f:
        return String.fromCharCode(c);
      case 0x62:
        return "\b";
      case 0x66:
        return "\f";
      case 0x6e:
        return "\n";
      case 0x72:
        return "\r";
      case 0x74:
        return "\t";
      case 0x75: {
        let unit = 0;
        for (let i = 0; i < 4; ++i) {
          const digit = this.at < this.end ? hexDigit(load<u8>(this.at)) : -1;
          if (digit < 0) {
            this.fail("four hexadecimal digits are expected");
            return "";
          }
          unit = (unit << 4) | digit;
          ++this.at;
        }
        return String.fromCharCode(unit);
      }
      default:
        this.fail("an escape is not known");
        return "";
    }
  }

  private array(depth: i32): Json {
    const json = new Json(JsonType.Array);
    ++this.at;
    if (this.take(0x5d)) return json;
    do json.items.push(this.value(depth + 1));
    while (this.take(0x2c));
    if (!this.take(0x5d)) this.fail("a comma or ] is expected");
    return json;
  }

  private object(depth: i32): Json {
    const json = new Json(JsonType.Object);
    ++this.at;
    if (this.take(0x7d)) return json;
    do {
      if (this.peek() != 0x22) return this.fail("a key is expected");
      json.keys.push(this.string());
      if (!this.take(0x3a)) return this.fail("a colon is expected");
      json.items.push(this.value(depth + 1));
    } while (this.take(0x2c));
    if (!this.take(0x7d)) this.fail("a comma or } is expected");
    return json;
  }
}

function isDigit(c: u8): bool {
  return c >= 0x30 && c <= 0x39;
}

function hexDigit(c: u8): i32 {
  if (isDigit(c)) return c - 0x30;
  const letter = c | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}
