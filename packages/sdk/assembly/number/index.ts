export { DOUBLE_TEXT_SIZE, writeDouble, writeDoublePlain, writeInteger } from "./format";
export { parsed, parseDouble, parseInteger } from "./parse";
