import { DOUBLE_TEXT_SIZE, parsed, parseDouble, parseInteger, writeDouble, writeDoublePlain, writeInteger } from "../../../assembly/number";

const buffer = memory.data(4096);

export function address(): usize {
  return buffer;
}

export function format(value: f64): usize {
  return writeDouble(buffer, value) - buffer;
}

export function formatPlain(value: f64): usize {
  assert(DOUBLE_TEXT_SIZE <= 4096);
  return writeDoublePlain(buffer, value) - buffer;
}

export function formatInteger(value: i64): usize {
  return writeInteger(buffer, value) - buffer;
}

export function parse(size: usize): f64 {
  return parseDouble(buffer, buffer + size);
}

export function integer(size: usize): i64 {
  return parseInteger(buffer, buffer + size);
}

export function ok(): bool {
  return parsed;
}
