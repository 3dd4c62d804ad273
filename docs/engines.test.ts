import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { BUILT_IN } from "../packages/otelwasm/src/runtime/engines.ts";
import { validateConfig } from "../packages/otelwasm/src/service/create.ts";
import { capabilityTable } from "./engines-table.ts";

const text = readFileSync(new URL("ENGINES.md", import.meta.url), "utf8");

test("ENGINES.md has the table of what engines can", () => {
  const expected = capabilityTable();
  assert.ok(text.includes(`${expected.join("\n")}\n`), `ENGINES.md must have this table:\n${expected.join("\n")}`);
});

test("ENGINES.md has a section for each engine", () => {
  for (const type of BUILT_IN) assert.match(text, new RegExp(`^## .*\`${type}\``, "m"), type);
});

test("its configurations are valid, each key of every engine is in one", async () => {
  const blocks = [...text.matchAll(/^```yaml\n(.*?)^```/gms)].map(([, body]) => body!);
  assert.ok(blocks.length >= 4);
  for (const body of blocks.filter((block) => block.startsWith("processors:"))) {
    const config = `${body}
receivers: {otlp: {protocols: {http: {endpoint: "localhost:0"}}}}
exporters: {nop: }
service: {pipelines: {logs: {receivers: [otlp], processors: [wasm], exporters: [nop]}}}
`;
    assert.deepEqual(await validateConfig(config), [], body);
  }
});
