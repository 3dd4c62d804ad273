export { decodeJson, OtlpJsonError } from "./json-decode.ts";
export { encodeJson } from "./json-encode.ts";
