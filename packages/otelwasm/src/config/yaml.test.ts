import assert from "node:assert/strict";
import { test } from "node:test";
import { parseYaml, parseYamlValue } from "./yaml.ts";

/** What gopkg.in/yaml.v3 makes of them. */
const NUMBERS: readonly (readonly [text: string, value: unknown])[] = [
  ["10_000", 10_000],
  ["-1_0", -10],
  ["65_536.5", 65_536.5],
  ["0755", 493],
  ["+010", 8],
  ["0o17", 15],
  ["0b101", 5],
  ["-0b11", -3],
  ["0xff", 255],
  ["0x_ff", 255],
  ["0", 0],
  ["12", 12],
  ["1.5e3", 1500],
  ["0800", 800],
  ["_1", "_1"],
  ["1_a", "1_a"],
  ["0b12", "0b12"],
  ['"0755"', "0755"],
  ["1m30s", "1m30s"],
];

test("numbers are those of the Collector's reader", () => {
  for (const [text, value] of NUMBERS) {
    assert.deepEqual(parseYaml(`key: ${text}`, "x"), { key: value }, text);
    assert.equal(parseYamlValue(text), value, text);
  }
});

test("words that YAML 1.1 took for booleans are text", () => {
  assert.deepEqual(parseYaml("[yes, no, on, off, y, true]", "x"), ["yes", "no", "on", "off", "y", true]);
});
