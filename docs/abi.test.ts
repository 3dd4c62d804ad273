/** ABI.md says which test proves each row of the ABI's specification: those tests are there, and no operation is left out. */
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { GUEST_FUNCTIONS, HOST_FUNCTIONS, MARKERS } from "../packages/otelwasm/src/abi/names.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const text = readFileSync(new URL("ABI.md", import.meta.url), "utf8");

/** How many rows each table has: one that goes missing is missed. */
const TABLES: Readonly<Record<string, number>> = {
  Operations: 19,
  Rules: 18,
  "The design's lists": 34,
  "Guests that mean harm": 8,
};

interface Row {
  readonly topic: string;
  readonly proofs: readonly string[];
}

function rowsOf(heading: string): Row[] {
  const section = text.split(/^## /m).find((part) => part.startsWith(`${heading}\n`));
  assert.ok(section !== undefined, `ABI.md has no section "${heading}"`);
  const lines = section.split("\n").filter((line) => line.startsWith("| "));
  return lines.slice(1).map((line) => {
    const [topic, what, proofs, ...more] = line.slice(2, -2).split(" | ");
    assert.ok(proofs !== undefined && more.length === 0, `three cells: ${line}`);
    return { topic: `${topic}: ${what}`, proofs: proofs.split("<br>") };
  });
}

const files = globSync(
  [
    "packages/*/{src,test}/**/*.{test,suite}.ts",
    "packages/*/src/wasi/testing/*.ts",
    "{e2e,docs}/**/*.test.ts",
    "benchmarks/**/*.ts",
  ],
  { cwd: ROOT },
);

/** A title in a source: of a test, or in the data that tests are made from. */
const TITLE = /\b(?:(?:test|describe)\(|(?:does|name):)\s*(["'`])((?:\\.|(?!\1)[^\\])*)\1/g;

/** With `…` for what is filled in. Of what has no tests of its own (a benchmark, parts of a suite): all of it. */
function titlesOf(file: string): string[] {
  const source = readFileSync(`${ROOT}${file}`, "utf8");
  if (!/\.(test|suite)\.ts$/.test(file)) return [source];
  const titles = [...source.matchAll(TITLE)].map((match) => match[2]!.replaceAll(/\$\{[^}]*\}/g, "…"));
  assert.ok(titles.length > 0, `${file} has no tests`);
  return titles;
}

function check(proof: string): void {
  const [, name, words] = proof.match(/^`([^`]+)`: (.+)$/) ?? [];
  assert.ok(name !== undefined && words !== undefined, `a file and words of a title: ${proof}`);
  const found = files.filter((file) => file === name || file.endsWith(`/${name}`));
  assert.equal(found.length, 1, `${name} is ${found.length === 0 ? "no file of tests" : found.join(" and ")}`);
  const titles = titlesOf(found[0]!);
  assert.ok(
    titles.some((title) => title.includes(words)),
    `${found[0]} has no test "${words}"`,
  );
}

for (const [heading, count] of Object.entries(TABLES))
  describe(`ABI.md, ${heading}`, () => {
    const rows = rowsOf(heading);
    test("has all its rows", () => assert.equal(rows.length, count));
    for (const { topic, proofs } of rows)
      test(topic, () => {
        for (const proof of proofs) check(proof);
      });
  });

test("ABI.md has every operation", () => {
  const topics = rowsOf("Operations").map(({ topic }) => topic);
  for (const name of [MARKERS.v1, ...Object.keys(GUEST_FUNCTIONS), ...Object.keys(HOST_FUNCTIONS)]) {
    const operation = `\`${name.replace(/traces|metrics|logs/, "X")}\``;
    assert.ok(
      topics.some((topic) => topic.includes(operation)),
      `ABI.md has no row for ${operation}`,
    );
  }
});
