import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { parse } from "yaml";
import { pluginConfigSchema } from "../packages/otelwasm/src/plugin/config.ts";
import { createWasi } from "../packages/otelwasm/src/wasi/index.ts";

const text = readFileSync(new URL("WASI.md", import.meta.url), "utf8");

test("the configuration of WASI.md is one", () => {
  const block = /^```yaml\n([\s\S]*?)^```$/m.exec(text)?.[1];
  assert.ok(block !== undefined);
  pluginConfigSchema("processor").parse(parse(block).processors["wasm/enrich"]);
});

test("WASI.md names every function that there is, sockets excepted", () => {
  const table = text.slice(text.indexOf("## The functions"), text.indexOf("- Standard output"));
  const named = [...table.matchAll(/`([a-z]+_[a-z_]+)`/g)].map((match) => match[1]).sort();
  const offered = createWasi({}).functions.map(({ functionName }) => functionName);
  assert.deepEqual(named, [...new Set(offered)].filter((name) => !name.startsWith("sock_")).sort());
});
