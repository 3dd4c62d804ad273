// The configuration as JSON values with their paths. The first thing that is wrong is remembered; reading then goes on
// with empty values, and the plugin does not start.
import { Json, JsonType } from "@otelwasm/sdk/config/json";

let problem: string | null = null;

/** What is wrong with the configuration; null when nothing is. */
export function configProblem(): string | null {
  return problem;
}

/** @param path of the value, from the top */
export function fail(path: string, what: string): void {
  if (problem === null) problem = path == "" ? what : path + ": " + what;
}

export function join(path: string, key: string): string {
  return path == "" ? key : path + "." + key;
}

/** @returns the value of a key; null when it is not there or null */
export function child(object: Json, key: string): Json | null {
  const json = object.get(key);
  return json === null || json.type == JsonType.Null ? null : json;
}

/** Reports what is no map, and keys that nobody reads. */
export function checkKeys(json: Json, path: string, known: string[]): bool {
  if (!expect(json, JsonType.Object, path, "a map")) return false;
  for (let i = 0; i < json.keys.length; ++i) {
    const key = json.keys[i];
    if (!known.includes(key)) fail(join(path, key), "unknown key; known: " + known.join(", "));
  }
  return true;
}

export function expect(json: Json, type: JsonType, path: string, what: string): bool {
  if (json.type == type) return true;
  fail(path, "must be " + what + ", but is " + json.description);
  return false;
}

/** @returns "" when the key is not there */
export function readText(object: Json, path: string, key: string): string {
  const json = child(object, key);
  if (json === null) return "";
  return expect(json, JsonType.String, join(path, key), "a string") ? json.text : "";
}

export function readBool(object: Json, path: string, key: string): bool {
  const json = child(object, key);
  if (json === null) return false;
  return expect(json, JsonType.Bool, join(path, key), "a boolean") && json.truth;
}

export function readInteger(object: Json, path: string, key: string): i32 {
  const json = child(object, key);
  if (json === null) return 0;
  if (!expect(json, JsonType.Number, join(path, key), "an integer")) return 0;
  const value = parseInt(json.text);
  if (json.text != (<i32>value).toString()) fail(join(path, key), "must be an integer, but is " + json.text);
  return <i32>value;
}

/** @returns the items of a list; none when the key is not there */
export function readList(object: Json, path: string, key: string): Json[] {
  const json = child(object, key);
  if (json === null) return [];
  return expect(json, JsonType.Array, join(path, key), "a list") ? json.items : [];
}

export function readTexts(object: Json, path: string, key: string): string[] {
  const items = readList(object, path, key);
  const found: string[] = [];
  for (let i = 0; i < items.length; ++i) {
    const item = at(join(path, key), i);
    if (expect(items[i], JsonType.String, item, "a string")) found.push(items[i].text);
  }
  return found;
}

export function at(path: string, index: i32): string {
  return path + "[" + index.toString() + "]";
}
