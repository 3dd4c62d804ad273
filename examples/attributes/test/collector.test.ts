/** The Collector's own answers: collector-cases.jsonl has random configurations and batches, and what came out of its processor (v0.159.0). */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { PluginError } from "../../../packages/otelwasm/src/plugin/errors.ts";
import type { Signal } from "../../../packages/otelwasm/src/telemetry/batch.ts";
import { decode, startPlugin } from "./plugin.ts";
import { type Attribute, itemsOf } from "./reference.ts";

interface Case {
  config: unknown;
  signal: Signal;
  payload: string;
  expected?: string;
  error?: string;
}

const cases = readFileSync(new URL("collector-cases.jsonl", import.meta.url), "utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line) as Case);

/** The attributes of each item, maps sorted: the Collector keeps no order in maps of its configuration, nor when it deletes. */
function attributes(signal: Signal, bytes: Uint8Array): unknown {
  const lists = itemsOf(signal, decode(signal, bytes)).map((item) => item.attributes ?? []);
  return JSON.parse(JSON.stringify(lists), (_name, value) => {
    if (!Array.isArray(value) || value[0]?.key === undefined) return value;
    const entries = (value as Attribute[]).map((each) => ({ ...each, value: each.value ?? {} }));
    return entries.sort((x, y) => (x.key < y.key ? -1 : x.key > y.key ? 1 : 0));
  });
}

test("refuses what the Collector refuses", async () => {
  const refused = cases.filter(({ error }) => error !== undefined);
  assert.ok(refused.length >= 30);
  for (const { config, signal, error } of refused) {
    const run = async (): Promise<void> => {
      await using plugin = await startPlugin(config);
      await plugin.push(signal, Uint8Array.of(0x0a, 0x00));
    };
    await assert.rejects(run(), PluginError, `${error}: ${JSON.stringify(config)}`);
  }
});

test("answers as the Collector does", async () => {
  const answered = cases.filter(({ expected }) => expected !== undefined);
  assert.ok(answered.length >= 150);
  let changed = 0;
  for (const { config, signal, payload, expected } of answered) {
    await using plugin = await startPlugin(config);
    const bytes = Buffer.from(payload, "base64");
    const result = await plugin.push(signal, bytes);
    if (result !== undefined) changed++;
    const wanted = attributes(signal, Buffer.from(expected ?? "", "base64"));
    assert.deepEqual(attributes(signal, result ?? bytes), wanted, JSON.stringify(config));
  }
  assert.ok(changed >= 140);
});
