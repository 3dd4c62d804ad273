import { getPluginConfig } from "../host";
import { Json, JsonParser, JsonType } from "./json";

let failure: string | null = null;
let document: Json | null = null;

/**
 * The component's `plugin_config` as an object of the author's class. Keys that the configuration does not have keep
 * the values that the class gives them. Whatever is wrong with it becomes the reason of a failed `start`.
 */
export function config<T>(): T {
  const value = instantiate<T>();
  const json = readConfig();
  // The build command's transform writes `__decodeConfig` for every class that a configuration consists of.
  // @ts-ignore: it is not there before
  if (failure === null) value.__decodeConfig(json, "");
  return value;
}

/** What was wrong with the configuration; null if nothing was. */
export function configError(): string | null {
  return failure;
}

/** Remembers the first thing that is wrong. @param path the key, from the top */
export function configFail(path: string, what: string): void {
  if (failure === null) failure = "plugin_config: " + (path == "" ? what : path + " " + what);
}

function readConfig(): Json {
  const known = document;
  if (known !== null) return known;
  let buffer = new ArrayBuffer(1024);
  let size = getPluginConfig(changetype<usize>(buffer), buffer.byteLength);
  while (size > <usize>buffer.byteLength) {
    buffer = new ArrayBuffer(<i32>size);
    size = getPluginConfig(changetype<usize>(buffer), buffer.byteLength);
  }
  let json: Json;
  if (size == 0) json = new Json(JsonType.Object);
  else {
    const parser = new JsonParser(changetype<usize>(buffer), changetype<usize>(buffer) + size);
    json = parser.parse();
    if (parser.error != "") configFail("", "not JSON: " + parser.error);
    else if (json.type == JsonType.Null) json = new Json(JsonType.Object);
  }
  document = json;
  return json;
}

/** Lets go of the configuration's text, once all classes have read it. */
export function forgetConfig(): void {
  document = null;
}
