/** What is hidden and what is not, by examples, and against a reference in JavaScript. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import fc from "fast-check";
import { decode, encode, items, type Plain, requestType, SIGNALS } from "../../e2e/proto.ts";
import { batch } from "../../packages/sdk/test/arbitrary.ts";
import { decodeReference } from "../../packages/sdk/test/reference.ts";
import {
  anyValue,
  attribute,
  documentedConfigs,
  refusesOrTakes,
  type StartedPlugin,
  startPlugin,
  throughCollector,
} from "../testing.ts";
import { buildRedactPlugin } from "./build.ts";
import { everywhere, HIDDEN, SECRET } from "./fixture.ts";
import { type RedactConfig, redactMessage, redactText } from "./reference.ts";

const path = await buildRedactPlugin();
const start = (config: RedactConfig, isolation?: "worker"): Promise<StartedPlugin> =>
  startPlugin(path, config, SIGNALS, isolation);

function logs(...bodies: unknown[]): object {
  return { resourceLogs: [{ scopeLogs: [{ logRecords: bodies.map((body) => ({ body: anyValue(body) })) }] }] };
}

/** The texts as bodies of log records, through the plugin. */
async function redacted(config: RedactConfig, texts: string[]): Promise<unknown[]> {
  await using plugin = await start(config);
  const { message } = await plugin.push("logs", logs(...texts));
  return items("logs", message).map(({ body }) => (body as Plain | undefined)?.stringValue ?? "");
}

async function check(config: RedactConfig, expected: Record<string, string>): Promise<void> {
  assert.deepEqual(await redacted(config, Object.keys(expected)), Object.values(expected));
}

test("card numbers", async () => {
  await check(
    { detectors: ["card"] },
    {
      "4111111111111111": "****",
      "card 4111 1111 1111 1111, ok": "card ****, ok",
      "5500-0000-0000-0004": "****",
      "378282246310005 and 6011111111111117": "**** and ****",
      card4111111111111111x: "card****x",
      "4222222222222": "****",
      "12 4111 1111 1111 1111 2026": "12 **** 2026",
      "4111 1111 1111 1112": "4111 1111 1111 1112",
      "4111  1111 1111 1111": "4111  1111 1111 1111",
      "1780000000000000000": "1780000000000000000",
      "0.4111111111111111": "0.4111111111111111",
      "4111111111111111.5": "4111111111111111.5",
      "4111111111111111.": "****.",
      "trace 4111111111111111ab": "trace 4111111111111111ab",
      "41111111111111114111": "41111111111111114111",
      "0000 0000 0000 0000": "0000 0000 0000 0000",
      "2026-05-28 20:26:40": "2026-05-28 20:26:40",
    },
  );
});

test("e-mail addresses", async () => {
  await check(
    { detectors: ["email"] },
    {
      "a@b.de": "****",
      "mail to Jane.Doe+x@mail.example.com.": "mail to ****.",
      "<jürgen@example.org>": "<****>",
      "a@b.c": "a@b.c",
      "a@b@c.de": "a@****",
      "@b.de": "@b.de",
      "user@host": "user@host",
      "a@b.co1": "****1",
      "a@-b.com-": "****-",
      "x@y.zz,p@q.rr": "****,****",
    },
  );
  const long = "x".repeat(70);
  await check({ detectors: ["email"] }, { [`${long}@b.de`]: "xxxxxx****", [`${"é".repeat(70)}@b.de`]: "éééééé****" });
});

test("tokens", async () => {
  const jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0xyz.c2lnbmF0dXJl";
  await check(
    { detectors: ["token"] },
    {
      "Authorization: Bearer abc123.def": "Authorization: Bearer ****",
      "bearer   0123456789": "bearer   ****",
      "Bearer authentication failed": "Bearer authentication failed",
      [`token=${jwt}&x=1`]: "token=****&x=1",
      [`Bearer ${jwt}`]: "Bearer ****",
      "eyJ.eyJ": "eyJ.eyJ",
      "key sk_live_0123456789abcdef!": "key ****!",
      ghp_0123456789abcdefghijklmnopqrstuvwxyz: "****",
      github_pat_0123456789abcdef_xyz: "****",
      "xoxb-1234567890-abcdef": "****",
      "task-0123456789abcdefgh": "task-0123456789abcdefgh",
      "sk-learn-without-any-number-in-it": "sk-learn-without-any-number-in-it",
      AKIAIOSFODNN7EXAMPLE: "****",
      xAKIAIOSFODNN7EXAMPLE: "xAKIAIOSFODNN7EXAMPLE",
      AKIAIOSFODNN7EXAMPLEX: "AKIAIOSFODNN7EXAMPLEX",
      "AIza0123456789_0123456789-0123456789abcde": "****",
      "550e8400-e29b-41d4-a716-446655440000": "550e8400-e29b-41d4-a716-446655440000",
    },
  );
});

test("patterns, masks and hashes", async () => {
  await check(
    { patterns: ["ORD-\\d+", "\\bsecret\\b"], mask: "<x>" },
    {
      "ORD-1 ORD-22 for a@b.de": "<x> <x> for <x>",
      "secret secrets": "<x> secrets",
      "4111ORD-11111111111": "4111<x>",
    },
  );
  await check({ detectors: [], patterns: ["^a", "b*"] }, { aab: "****a****", "a@b.de": "****@****.de" });
  await check({ mask: "" }, { "to a@b.de": "to " });
  const hashed = redactText("to a@b.de", { hash: "sha256", hash_salt: "s" });
  assert.match(hashed, /^to [0-9a-f]{64}$/);
  await check({ hash: "sha256", hash_salt: "s" }, { "to a@b.de": hashed });
});

test("every place where an attribute or a text can stand", async () => {
  await using plugin = await start({});
  for (const signal of SIGNALS) {
    const { message } = await plugin.push(signal, everywhere(SECRET)[signal]);
    const type = requestType[signal];
    assert.deepEqual(message, decode(type, encode(type, everywhere(HIDDEN)[signal] as Record<string, unknown>)));
    assert.equal((await plugin.push(signal, everywhere(HIDDEN)[signal])).changed, false, "nothing is left to hide");
  }
  await using names = await start({ span_names: true });
  const { message } = await names.push("traces", everywhere(SECRET).traces);
  assert.equal(items("traces", message)[0]?.name, HIDDEN);
});

test("keys that are blocked, and keys that are allowed", async () => {
  const config = { blocked_key_patterns: ["(?i)password|^auth"], allowed_keys: ["contact", "auth.method"] };
  await using plugin = await start(config);
  const before = {
    "db.Password": "x",
    password: 42,
    auth: { user: "u", token: ["t"] },
    "auth.method": "oauth of a@b.de",
    contact: { mail: "a@b.de", password: "stays" },
    nested: [{ password: true }],
  };
  const record = { attributes: Object.entries(before).map(([key, value]) => attribute(key, value)) };
  const expected = {
    "db.Password": "****",
    password: "****",
    auth: "****",
    "auth.method": "oauth of a@b.de",
    contact: { mail: "a@b.de", password: "stays" },
    nested: [{ password: "****" }],
  };
  const push = (each: object): ReturnType<StartedPlugin["push"]> =>
    plugin.push("logs", { resourceLogs: [{ scopeLogs: [{ logRecords: [each] }] }] });
  const { message, bytes } = await push(record);
  const after = { attributes: Object.entries(expected).map(([key, value]) => attribute(key, value)) };
  assert.deepEqual(message, (await push(after)).message);
  assert.equal((await plugin.push("logs", bytes)).changed, false, "a second time changes nothing");
  // Keys that are too long to be remembered, many of them, and none.
  const keys = [
    "",
    "k".repeat(200),
    `password${"k".repeat(200)}`,
    ...Array.from({ length: 3000 }, (_, i) => `key${i}`),
  ];
  const many = await push({ attributes: keys.map((key) => attribute(key, "v")) });
  const changed = ((items("logs", many.message)[0]?.attributes ?? []) as Plain[]).filter(
    ({ value }) => (value as Plain).stringValue !== "v",
  );
  assert.deepEqual(
    changed.map(({ key }) => String(key).slice(0, 10)),
    ["passwordkk"],
  );
});

test("what is wrong with the configuration is named", async () => {
  const refused = (config: object, reason: RegExp): Promise<void> => assert.rejects(start(config), reason);
  await refused(
    { detectors: ["card", "phone"] },
    /plugin_config: detectors\[1\] is "phone"; known are: card, email, token/,
  );
  await refused({ detectors: "card" }, /detectors must be a list, but is a string/);
  await refused({ patterns: ["a", "("] }, /patterns\[1\] is not a regular expression: "\("/);
  await refused({ blocked_key_patterns: ["["] }, /blocked_key_patterns\[0\] is not a regular expression/);
  await refused({ hash: "md5" }, /hash is "md5"; known is: sha256/);
  await refused({ hash: "sha256", mask: "x" }, /hash and mask exclude each other/);
  await refused({ hash_salt: "x" }, /hash_salt is not used without hash/);
  await refused({ detectors: [] }, /detectors must not be empty/);
  await refused({ allowed_key: [] }, /allowed_key is not a known key/);
});

/** Pieces of which secrets consist, nearly or completely. */
const piece = fc.oneof(
  fc.constantFrom(
    "4111111111111111",
    "4111 1111 1111 1111",
    "5500-0000-0000-0004",
    "4222222222222",
    "378282",
    "1",
    "23",
    "0004",
  ),
  fc.constantFrom(
    "a",
    "f",
    "z",
    " ",
    "  ",
    "-",
    "_",
    ".",
    "@",
    "é",
    "😀",
    "/",
    "=",
    "Bearer ",
    "bearer  ",
    "eyJ",
    "AKIA",
    "ASIA",
    "AIza",
  ),
  fc.constantFrom(
    "jane@example.com",
    "x@y.z",
    "sub.domain.org",
    "sk-",
    "sk_live_",
    "ghp_",
    "github_pat_",
    "xoxb-",
    "glpat-",
    "npm_",
  ),
  fc.constantFrom("abcdefgh", "ABCDEFGH", "0123456789abcdef", "IOSFODNN7EXAMPLE", "secret"),
);
const text = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(""));

test("texts: what remains is what the reference says", async () => {
  const configs: RedactConfig[] = [
    {},
    { detectors: ["card"] },
    { detectors: ["token"], patterns: ["secret", "[a-f]+\\d"] },
    { patterns: ["^a|é", "z"] },
  ];
  for (const config of configs) {
    await using plugin = await start(config);
    await fc.assert(
      fc.asyncProperty(fc.array(text, { minLength: 20, maxLength: 40 }), async (texts) => {
        const { message } = await plugin.push("logs", logs(...texts));
        const found = items("logs", message).map(({ body }) => (body as Plain).stringValue ?? "");
        assert.deepEqual(
          found,
          texts.map((each) => redactText(each, config)),
        );
      }),
      { numRuns: 150 },
    );
  }
});

test("messages: what remains is what the reference says, unknown fields included", async () => {
  const config = { patterns: ["a", "é"], blocked_key_patterns: ["^service"], allowed_keys: ["marked"] };
  await using plugin = await start(config);
  for (const signal of SIGNALS) {
    const type = requestType[signal];
    await fc.assert(
      fc.asyncProperty(batch(type), async (bytes) => {
        const { bytes: result } = await plugin.push(signal, bytes);
        assert.deepEqual(decodeReference(type, result), redactMessage(decodeReference(type, bytes), config));
      }),
      { numRuns: 200 },
    );
  }
});

/** A field of bytes. */
function field(number: number, content: Buffer): Buffer {
  const { length } = content;
  const size = length < 128 ? [length] : [(length & 127) | 128, length >> 7];
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...size]), content]);
}

test("bytes that are not OTLP are refused for good, and never trap", async () => {
  await using plugin = await start({ patterns: ["a+"], blocked_key_patterns: ["b"] });
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...SIGNALS), fc.uint8Array({ maxLength: 200 }), (signal, bytes) =>
      refusesOrTakes(plugin, signal, bytes),
    ),
    { numRuns: 1000 },
  );
  let deep = field(1, Buffer.from(SECRET));
  for (let i = 0; i < 60; i++) deep = field(5, field(1, deep));
  const nested = [5, 2, 2, 1].reduce((content, number) => field(number, content), deep);
  await assert.rejects(plugin.push("logs", nested), /messages are nested more than 100 deep/);
});

test("the time grows with the text, whatever it is: what grew with its square would meet the deadline of a call", async () => {
  await using plugin = await start({ patterns: ["(a|b)*c\\d"] }, "worker");
  const hostile = [
    "sk-",
    "sk_live_",
    "@",
    "a@",
    "a@b.",
    "4111111111111111a",
    "4111111111111111 ",
    "1 ",
    "eyJ",
    "eyJabcdefgh.",
    "Bearer ",
    "AKIA",
    "a",
    "-",
    "b@b-",
  ];
  for (const part of hostile) {
    const text = part.repeat(1_000_000 / part.length);
    const { bytes } = await plugin.push("logs", encode(requestType.logs, logs(text) as Record<string, unknown>));
    assert.ok(bytes.length > 0);
  }
});

test("what the documentation shows works", async () => {
  const folder = new URL("./", import.meta.url);
  for (const config of await documentedConfigs(folder))
    await (await start(config as RedactConfig))[Symbol.asyncDispose]();
  const arrived = await throughCollector("redact", "traces", everywhere(SECRET).traces);
  const type = requestType.traces;
  assert.deepEqual(arrived, decode(type, encode(type, everywhere(HIDDEN).traces as Record<string, unknown>)));
  assert.match(await readFile(new URL("README.md", folder), "utf8"), /MB\/s/);
});
