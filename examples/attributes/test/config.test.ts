import assert from "node:assert/strict";
import { test } from "node:test";
import { startError } from "./plugin.ts";

const insert = { key: "k", value: "v", action: "insert" };
const actions = [insert];

const TABLE: [config: unknown, reason: string | RegExp][] = [
  [{}, "actions: at least one action is required"],
  [null, "actions: at least one action is required"],
  [{ actions: [] }, "actions: at least one action is required"],
  [{ actions: "insert" }, "actions: must be a list, but is a string"],
  [{ actions, action: [] }, "action: unknown key; known: actions, include, exclude"],
  [[], "must be a map, but is a list"],
  [
    { actions: [insert, insert, { key: "k", action: "inser" }] },
    'actions[2].action: unknown action "inser"; known: insert, update, upsert, delete, hash, extract, convert',
  ],
  [
    { actions: [{ key: "k" }] },
    "actions[0].action: is required; one of insert, update, upsert, delete, hash, extract, convert",
  ],
  [{ actions: [5] }, "actions[0]: must be a map, but is a number"],
  [
    { actions: [{ ...insert, kee: 1 }] },
    "actions[0].kee: unknown key; known: key, action, value, from_attribute, from_context, default_value, pattern, converted_type",
  ],
  [{ actions: [{ ...insert, key: 5 }] }, "actions[0].key: must be a string, but is a number"],
  [{ actions: [{ value: "v", action: "insert" }] }, "actions[0].key: is required"],
  [
    { actions: [{ key: "k", action: "insert" }] },
    "actions[0]: one of value, from_attribute, default_value is required for action insert",
  ],
  [{ actions: [{ ...insert, from_attribute: "a" }] }, "actions[0]: value and from_attribute exclude each other"],
  [
    { actions: [{ key: "k", from_context: "metadata.tenant", action: "upsert" }] },
    "actions[0].from_context: is not supported: plugins do not see the client's metadata",
  ],
  [{ actions: [{ ...insert, pattern: "x" }] }, "actions[0].pattern: is not used by action insert; remove it"],
  [
    { actions: [{ ...insert, converted_type: "int" }] },
    "actions[0].converted_type: is not used by action insert; remove it",
  ],
  [{ actions: [{ action: "delete" }] }, "actions[0]: key or pattern is required for action delete"],
  [{ actions: [{ key: "k", value: 1, action: "hash" }] }, "actions[0].value: is not used by action hash; remove it"],
  [
    { actions: [{ pattern: "a(", action: "delete" }] },
    'actions[0].pattern: invalid regular expression "a(": missing closing ) (at offset 1)',
  ],
  [
    { actions: [{ pattern: "(?=a)", action: "hash" }] },
    /^actions\[0\]\.pattern: .*lookaround is not supported \(RE2 syntax\)/,
  ],
  [{ actions: [{ key: "k", action: "extract" }] }, "actions[0].pattern: is required for action extract"],
  [
    { actions: [{ key: "k", pattern: "abc", action: "extract" }] },
    "actions[0].pattern: has no named group, like (?P<name>...)",
  ],
  [
    { actions: [{ key: "k", pattern: "(?P<a>.)(.)", action: "extract" }] },
    "actions[0].pattern: has a group without a name; write (?:...) for a group that extracts nothing",
  ],
  [
    { actions: [{ key: "k", action: "convert" }] },
    "actions[0].converted_type: is required for action convert; one of int, double, string",
  ],
  [
    { actions: [{ key: "k", converted_type: "bool", action: "convert" }] },
    'actions[0].converted_type: unknown type "bool"; known: int, double, string',
  ],
  [
    { actions: [{ key: "k", converted_type: "int", pattern: "x", action: "convert" }] },
    "actions[0].pattern: is not used by action convert; remove it",
  ],
  [{ actions, include: {} }, /^include: at least one property to match is required: services, span_names/],
  [{ actions, include: { match_type: "strict" } }, /^include: at least one property to match is required/],
  [
    { actions, include: { match_type: "expr", services: ["a"] } },
    'include.match_type: unknown match type "expr"; known: strict, regexp',
  ],
  [{ actions, include: { services: ["a"] } }, 'include.match_type: is required; one of "strict", "regexp"'],
  [
    { actions, exclude: { match_type: "strict", services: ["a"], log_bodies: ["b"] } },
    /^exclude: fits no signal: exclude\.log_bodies: does not apply to spans; exclude\.services: does not apply to log records; /,
  ],
  [{ actions, exclude: { match_type: "strict", services: "a" } }, "exclude.services: must be a list, but is a string"],
  [
    { actions, exclude: { match_type: "strict", services: [1] } },
    "exclude.services[0]: must be a string, but is a number",
  ],
  [
    { actions, exclude: { match_type: "strict", span_kinds: ["SPAN_KIND_CLIENT", "client"] } },
    /^exclude\.span_kinds\[1\]: unknown span kind "client"; known: SPAN_KIND_INTERNAL, /,
  ],
  [
    { actions, include: { match_type: "regexp", span_names: ["a", "[b"] } },
    'include.span_names[1]: invalid regular expression "[b": missing closing ] (at offset 0)',
  ],
  [
    { actions, include: { match_type: "strict", attributes: [{ value: 1 }] } },
    "include.attributes[0].key: is required",
  ],
  [
    { actions, include: { match_type: "regexp", attributes: [{ key: "a", value: 1 }] } },
    "include.attributes[0].value: must be a string with match_type regexp, but is a number",
  ],
  [
    { actions, include: { match_type: "strict", resources: [{ key: "a", vale: 1 }] } },
    "include.resources[0].vale: unknown key; known: key, value",
  ],
  [
    { actions, include: { match_type: "strict", libraries: ["a"] } },
    "include.libraries[0]: must be a map, but is a string",
  ],
  [
    { actions, include: { log_severity_number: { min: "INFO" } } },
    "include.log_severity_number.min: must be an integer, but is a string",
  ],
  [
    { actions, include: { match_type: "regexp", regexp: { cache: true }, services: ["a"] } },
    "include.regexp.cache: unknown key; known: cacheenabled, cachemaxnumentries",
  ],
];

for (const [config, reason] of TABLE) {
  test(`refused: ${JSON.stringify(config)}`, async () => {
    const actual = await startError(config);
    if (typeof reason === "string") assert.equal(actual, reason);
    else assert.match(actual, reason);
  });
}
