import assert from "node:assert/strict";
import { test } from "node:test";
import { instantiate } from "./harness.ts";

async function describe(config: string): Promise<string> {
  const guest = await instantiate("config", config);
  const { status, reason } = guest.start();
  assert.equal(status, 0, reason);
  return guest.logs.map(({ message }) => message).join();
}

async function refusal(config: string): Promise<string> {
  const guest = await instantiate("config", config);
  const { status, reason } = guest.start();
  assert.equal(status, 1, config);
  assert.deepEqual(guest.logs, []);
  return reason;
}

test("keys that are absent keep the values that the class gives them", async () => {
  assert.equal(await describe('{"name":"n"}'), "true n default null 3 1 -1 0.5 10 one");
});

test("nested classes, lists and maps are filled from the configuration", async () => {
  const config = {
    enabled: false,
    name: 'é😀"\\\n',
    text: "t",
    optional: "here",
    limits: { small: 255, large: "LARGE", ratio: -1.25e2, max_size: 4294967295 },
    rules: [{ action: "a" }, { action: "b", count: -2 }],
    words: [],
    weights: { x: 1, y: 2.5 },
    nested: { k: [{ action: "c" }], l: [] },
  };
  const json = JSON.stringify(config, null, 2).replace('"LARGE"', "-9223372036854775808");
  assert.equal(
    await describe(json),
    'false é😀"\\\n t here 3 255 -9223372036854775808 -125.0 4294967295 ax1 bx-2  x=1.0 y=2.5 k:1 l:0',
  );
});

test("escapes and integers that are written as fractions are understood", async () => {
  const text = '{"name":"\\u00e9\\ud83d\\ude00\\t\\/\\b","limits":{"small":2.0,"large":1e3}}';
  assert.equal(await describe(text), "true é😀\t/\b default null 3 2 1000 0.5 10 one");
});

test("a configuration of any size is read", async () => {
  const name = "x".repeat(1_000_000);
  assert.equal(
    (await describe(JSON.stringify({ name }))).length,
    "true  default null 3 1 -1 0.5 10 one".length + name.length,
  );
});

test("a wrong type, a missing or an unknown key is the reason of a failed start, with the key's path", async () => {
  const reasons: [string, RegExp][] = [
    ["{}", /^plugin_config: name is required$/],
    ['{"name":3}', /^plugin_config: name must be a string, but is a number$/],
    ['{"name":null}', /name must be a string, but is null/],
    ['{"name":"n","enabled":"yes"}', /enabled must be a boolean, but is a string/],
    ['{"name":"n","limits":[]}', /limits must be a map, but is a list/],
    ['{"name":"n","limits":{"small":256}}', /limits\.small is out of range: 256/],
    ['{"name":"n","limits":{"small":-1}}', /limits\.small is out of range: -1/],
    ['{"name":"n","limits":{"small":1.5}}', /limits\.small must be an integer, but is 1\.5/],
    ['{"name":"n","limits":{"large":9223372036854775808}}', /limits\.large is out of range/],
    [
      '{"name":"n","limits":{"maxSize":1}}',
      /limits\.maxSize is not a known key; known are: small, large, ratio, max_size/,
    ],
    ['{"name":"n","rules":[{"action":"a"},{"count":2}]}', /rules\[1\]\.action is required/],
    ['{"name":"n","rules":{}}', /rules must be a list, but is a map/],
    ['{"name":"n","words":["a",true]}', /words\[1\] must be a string, but is a boolean/],
    ['{"name":"n","weights":{"a":"b"}}', /weights\.a must be a number, but is a string/],
    ['{"name":"n","nested":{"k":[{"action":1}]}}', /nested\.k\[0\]\.action must be a string/],
    ['{"name":"n","hidden":1}', /hidden is not a known key/],
    ["[]", /^plugin_config: must be a map, but is a list$/],
    ['{"name":"n"', /not JSON: a comma or } is expected at byte 11/],
    ["{name:1}", /not JSON: a key is expected at byte 1/],
    ['{"name":"n"} x', /not JSON: something follows the end/],
    ['{"name":01}', /not JSON: a number starts with 0/],
    ['{"name":"\\x"}', /not JSON: an escape is not known/],
    [`{"name":${"[".repeat(200)}`, /not JSON: values are nested too deeply/],
  ];
  for (const [config, reason] of reasons) assert.match(await refusal(config), reason);
});

test("a plugin may refuse to start", async () => {
  const guest = await instantiate("config", '{"name":"n","text":"refuse"}');
  const { status, reason } = guest.start();
  assert.equal(status, 1);
  assert.equal(reason, "refused");
});
