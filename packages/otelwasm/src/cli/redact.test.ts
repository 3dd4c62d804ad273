// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are the Collector's variables
import assert from "node:assert/strict";
import { test } from "node:test";
import { REDACTED, redact } from "./redact.ts";

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
