// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are the Collector's variables
import assert from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import { defineExporter } from "../component/factory.ts";
import { endpoint, secret } from "../config/values.ts";
import { FactorySet } from "../service/factories.ts";
import { REDACTED, redact, redactConfig } from "./redact.ts";

test("secrets are hidden by their place, their key, or their form", () => {
  const config = {
    endpoint: "https://user:pass@host:4318/path",
    headers: { authorization: "Bearer abc", "x-tenant": "one", other: "${env:TOKEN}", fallback: "${env:TOKEN:-abc}" },
    list: { headers: [{ name: "x-key", value: "abc" }] },
    plugin_config: { api_key: 5, nested: { tokens: ["a", "Bearer ${env:TOKEN}"] }, keys: ["user.email"] },
    path: "a.wasm",
    empty: { password: null },
  };
  assert.deepEqual(redact(config), {
    endpoint: `https://${REDACTED}@host:4318/path`,
    headers: { authorization: REDACTED, "x-tenant": REDACTED, other: "${env:TOKEN}", fallback: REDACTED },
    list: { headers: [{ name: "x-key", value: REDACTED }] },
    plugin_config: { api_key: REDACTED, nested: { tokens: [REDACTED, "Bearer ${env:TOKEN}"] }, keys: ["user.email"] },
    path: "a.wasm",
    empty: { password: null },
  });
});

test("a schema says what is secret, whatever the key is called, through lists, unions, options and transforms", () => {
  const factory = defineExporter({
    kind: "exporter",
    type: "closed",
    signals: ["logs"],
    description: "",
    schema: z
      .strictObject({
        endpoint: endpoint().optional(),
        pin: secret(z.string().min(1)).optional(),
        doors: z.array(z.strictObject({ name: z.string(), code: secret(z.number()).or(z.string()) })).default([]),
        all: secret(z.record(z.string(), z.string())).transform((map) => Object.values(map)),
      })
      .prefault({ all: {} }),
    create: () => assert.fail("nothing is created"),
  });
  const own = { endpoint: "a:1", pin: "1234", doors: [{ name: "front", code: 5 }], all: { a: "b", c: "${env:X}" } };
  const hidden = {
    endpoint: "a:1",
    pin: REDACTED,
    doors: [{ name: "front", code: REDACTED }],
    all: { a: REDACTED, c: "${env:X}" },
  };
  assert.deepEqual(
    redactConfig(
      { exporters: { closed: own, "closed/2": own, other: { pin: 1 } }, extra: own },
      new FactorySet([factory]),
    ),
    { exporters: { closed: hidden, "closed/2": hidden, other: { pin: 1 } }, extra: own },
  );
});
