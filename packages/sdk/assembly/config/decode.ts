// Decoding of a configuration's values, by the type of the field that takes them. Called by the methods that the
// build command's transform adds to the author's classes.
import { configFail } from "./config";
import { Json, JsonType } from "./json";

/** @returns whether `json` is an object; reports it, and every key that the class does not have, otherwise */
export function checkObject(json: Json, path: string, known: string[]): bool {
  if (!expect(json, JsonType.Object, path, "a map")) return false;
  for (let i = 0; i < json.keys.length; ++i) {
    const key = json.keys[i];
    if (!known.includes(key)) configFail(join(path, key), "is not a known key; known are: " + known.join(", "));
  }
  return true;
}

/** @returns the key's value as `T`; `current` if the configuration does not have it */
export function decodeField<T>(object: Json, path: string, key: string, required: bool, current: T): T {
  const json = object.get(key);
  if (json !== null) return decode<T>(json, join(path, key), current);
  if (required) configFail(join(path, key), "is required");
  return current;
}

function decode<T>(json: Json, path: string, current: T): T {
  if (isNullable<T>()) {
    if (json.type == JsonType.Null) return changetype<T>(0);
    return changetype<T>(decodeValue<NonNullable<T>>(json, path, changetype<NonNullable<T>>(current)));
  } else {
    return decodeValue<T>(json, path, current);
  }
}

function decodeValue<T>(json: Json, path: string, current: T): T {
  if (isBoolean<T>()) {
    return expect(json, JsonType.Bool, path, "a boolean") ? <T>json.truth : current;
  } else if (isString<T>()) {
    return expect(json, JsonType.String, path, "a string") ? changetype<T>(json.text) : current;
  } else if (isInteger<T>()) {
    return decodeInteger<T>(json, path, current);
  } else if (isFloat<T>()) {
    return expect(json, JsonType.Number, path, "a number") ? <T>parseFloat(json.text) : current;
  } else if (isArray<T>()) {
    return decodeArray<T>(json, path, current);
  } else if (current instanceof Map) {
    return decodeMap(current, json, path);
  } else {
    const value = instantiate<T>();
    // @ts-ignore: the transform adds it
    value.__decodeConfig(json, path);
    return value;
  }
}

function decodeInteger<T>(json: Json, path: string, current: T): T {
  if (!expect(json, JsonType.Number, path, "an integer")) return current;
  const text = json.text;
  const negative = text.charCodeAt(0) == 0x2d;
  let plain = true;
  let value: u64 = 0;
  let overflow = false;
  for (let i = negative ? 1 : 0; i < text.length; ++i) {
    const digit = text.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 9) {
      plain = false;
      break;
    }
    if (value > (u64.MAX_VALUE - digit) / 10) overflow = true;
    value = value * 10 + digit;
  }
  if (!plain) {
    // 1e3 and 2.0 are integers too.
    const number = parseFloat(text);
    if (number != Math.floor(number) || Math.abs(number) > 9007199254740991.0) {
      configFail(path, "must be an integer, but is " + text);
      return current;
    }
    value = <u64>Math.abs(number);
  }
  const largest: u64 = isSigned<T>() ? (<u64>1 << (sizeof<T>() * 8 - 1)) - 1 : u64.MAX_VALUE >> (64 - sizeof<T>() * 8);
  const limit = negative ? (isSigned<T>() ? largest + 1 : 0) : largest;
  if (overflow || value > limit) {
    configFail(path, "is out of range: " + text);
    return current;
  }
  return <T>(negative ? -(<i64>value) : <i64>value);
}

function decodeArray<T>(json: Json, path: string, current: T): T {
  if (!expect(json, JsonType.Array, path, "a list")) return current;
  const array = instantiate<T>();
  for (let i = 0; i < json.items.length; ++i) {
    const item = path + "[" + i.toString() + "]";
    // @ts-ignore: T is an array
    array.push(decode<valueof<T>>(json.items[i], item, blank<valueof<T>>()));
  }
  return array;
}

function decodeMap<V>(current: Map<string, V>, json: Json, path: string): Map<string, V> {
  if (!expect(json, JsonType.Object, path, "a map")) return current;
  const map = new Map<string, V>();
  for (let i = 0; i < json.keys.length; ++i) {
    map.set(json.keys[i], decode<V>(json.items[i], join(path, json.keys[i]), blank<V>()));
  }
  return map;
}

/** What stands in for a value that cannot be decoded. */
function blank<T>(): T {
  if (isString<T>()) {
    return changetype<T>("");
  } else if (isReference<T>()) {
    if (isNullable<T>()) {
      return changetype<T>(0);
    } else {
      return instantiate<T>();
    }
  } else {
    return <T>0;
  }
}

function expect(json: Json, type: JsonType, path: string, description: string): bool {
  if (json.type == type) return true;
  configFail(path, "must be " + description + ", but is " + json.description);
  return false;
}

function join(path: string, key: string): string {
  return path == "" ? key : path + "." + key;
}
