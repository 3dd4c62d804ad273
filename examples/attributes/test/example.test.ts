/** The configuration that the README points at, and the README's own. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { parseYaml } from "../../../packages/otelwasm/src/config/yaml.ts";
import { batchOf } from "./batches.ts";
import { process, startPlugin } from "./plugin.ts";
import { itemsOf } from "./reference.ts";

const file = (name: string): string => readFileSync(new URL(`../${name}`, import.meta.url), "utf8");
const config = parseYaml(file("config.yaml"), "config.yaml") as {
  processors: Record<string, { path: string; plugin_config: unknown }>;
};

test("config.yaml: what it says happens", async () => {
  const before = [
    { key: "net.peer.ip", value: { stringValue: "10.0.0.1" } },
    { key: "user.email", value: { stringValue: "ada@example.com" } },
    { key: "payment.card_number", value: { stringValue: "4111" } },
    { key: "url.full", value: { stringValue: "https://shop.example:8443/cart" } },
    { key: "http.status_code", value: { stringValue: "200" } },
  ];
  const processor = config.processors["wasm/attributes"];
  for (const signal of ["traces", "metrics", "logs"] as const) {
    const result = await process(processor?.plugin_config, signal, batchOf(signal, [before]));
    assert.deepEqual(itemsOf(signal, result)[0]?.attributes, [
      before[0],
      { key: "user.email", value: { stringValue: "b5fc85e55755f9e0d030a10ab4429b6b2944855f9a0d60077fe832becbc41d72" } },
      before[3],
      { key: "http.status_code", value: { intValue: "200" } },
      { key: "deployment.environment", value: { stringValue: "production" } },
      { key: "client.address", value: { stringValue: "10.0.0.1" } },
      { key: "url_scheme", value: { stringValue: "https" } },
      { key: "server_address", value: { stringValue: "shop.example" } },
    ]);
  }
});

test("config.yaml: every processor's configuration is right", async () => {
  for (const { path, plugin_config } of Object.values(config.processors)) {
    assert.equal(path, "examples/attributes/build/attributes.wasm");
    await using _plugin = await startPlugin(plugin_config);
  }
});

test("the README's configuration starts", async () => {
  const block = file("README.md").split("```yaml\n")[1]?.split("```")[0];
  assert.ok(block !== undefined);
  const { plugin_config } = parseYaml(block, "README.md") as { plugin_config: unknown };
  await using _plugin = await startPlugin(plugin_config);
});

test("the README names every action and property", () => {
  const readme = file("README.md");
  for (const word of ["insert", "update", "upsert", "delete", "hash", "extract", "convert"])
    assert.ok(readme.includes(`| \`${word}\` |`), word);
  for (const word of "services span_names span_kinds log_bodies log_severity_texts log_severity_number metric_names attributes resources libraries".split(
    " ",
  ))
    assert.ok(readme.includes(`| \`${word}\` |`), word);
});
