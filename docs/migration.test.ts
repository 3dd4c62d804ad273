/** MIGRATION.md says what the code says: the names of the ABI, and which configurations are read and refused. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { validateConfig } from "otelwasm";
import { parse } from "yaml";
import {
  ABI_SIGNALS,
  type AbiFunction,
  EXPERIMENTAL_EXPORTS,
  EXPERIMENTAL_IMPORTS,
  GUEST_FUNCTIONS,
  HOST_FUNCTIONS,
  MARKERS,
} from "../packages/otelwasm/src/abi/names.ts";
import { pluginConfigSchema } from "../packages/otelwasm/src/plugin/config.ts";
import { DEFAULT_LIMITS, DEFAULT_RESTART } from "../packages/otelwasm/src/plugin/options.ts";
import { formatFunctionType } from "../packages/otelwasm/src/runtime/binary.ts";

const text = readFileSync(fileURLToPath(new URL("MIGRATION.md", import.meta.url)), "utf8");

/** `consume_traces` is `consume_X`; of the three signals one row is left. */
function withoutSignals(name: string): string {
  return ABI_SIGNALS.reduce(
    (known, signal) => known.replace(signal, "X").replace(`${signal.charAt(0).toUpperCase()}${signal.slice(1)}`, "X"),
    name,
  );
}

const code = (names: readonly string[]): string =>
  names.length === 0 ? "none" : [...new Set(names.map(withoutSignals))].map((name) => `\`${name}\``).join(", ");

function experimental(name: string, abi: AbiFunction): string[] {
  if (abi.experimental !== undefined) return [abi.experimental];
  return name.startsWith("consume_") ? EXPERIMENTAL_EXPORTS.filter((other) => /^(process|push)/.test(other)) : [];
}

function namesTable(): string[] {
  const row = (side: string, name: string, abi: AbiFunction): string =>
    `| ${side} | ${code([abi.names.v1])} | \`${formatFunctionType(abi)}\` | ${code([abi.names["v0.1.0"]])} | ${code(experimental(name, abi))} |`;
  const rows = [
    "| side | ABI v1 | type | prefixed (v0.1.0) | experimental |",
    "|---|---|---|---|---|",
    `| export | ${code([MARKERS.v1])} | \`() -> ()\` | ${code([MARKERS["v0.1.0"]])} | none |`,
    ...Object.entries(GUEST_FUNCTIONS).map(([name, abi]) => row("export", name, abi)),
    ...Object.entries(HOST_FUNCTIONS).map(([name, abi]) => row("import", name, abi)),
    ...EXPERIMENTAL_IMPORTS.map((name) => `| import | removed | \`(i32, i32) -> (i32)\` | removed | ${code([name])} |`),
  ];
  return [...new Set(rows)];
}

/** The fenced blocks of a language, each with what stands behind the language. */
function blocks(language: string): { readonly info: string; readonly body: string }[] {
  return [...text.matchAll(new RegExp(`^\`\`\`${language}(.*)\\n([\\s\\S]*?)^\`\`\``, "gm"))].map((match) => ({
    info: match[1]!.trim(),
    body: match[2]!,
  }));
}

test("the defaults of wasm's keys are the plugin's", () => {
  const { body } = blocks("yaml").find((block) => block.body.includes("wasm/redact"))!;
  const config = pluginConfigSchema("processor").parse(parse(body).processors["wasm/redact"]);
  const { limits, restart, isolation, instances, on_failure } = config;
  assert.deepEqual(limits, {
    call_timeout: DEFAULT_LIMITS.callTimeoutMs,
    memory: DEFAULT_LIMITS.memoryBytes,
    start_timeout: DEFAULT_LIMITS.startTimeoutMs,
    shutdown_timeout: DEFAULT_LIMITS.shutdownTimeoutMs,
    max_result_bytes: DEFAULT_LIMITS.maxResultBytes,
  });
  assert.deepEqual(restart, {
    initial_interval: DEFAULT_RESTART.initialIntervalMs,
    max_interval: DEFAULT_RESTART.maxIntervalMs,
    max_restarts: DEFAULT_RESTART.maxRestarts,
    window: DEFAULT_RESTART.windowMs,
  });
  assert.deepEqual([isolation, instances, on_failure], ["worker", 1, "reject"]);
});

test("the table of names is the one that the host works by", () => {
  const expected = namesTable();
  assert.equal(expected.length, 2 + 1 + 6 + 5 + 1);
  assert.ok(text.includes(`${expected.join("\n")}\n`), `MIGRATION.md must have this table:\n${expected.join("\n")}`);
});

describe("configurations of MIGRATION.md", () => {
  const found = blocks("yaml");
  test("there are some", () => assert.ok(found.length >= 3));
  for (const { info, body } of found) {
    test(body.split("\n")[0]!, async () => {
      // What stands behind `yaml` is what the configuration is refused with.
      const issues = await validateConfig(body);
      if (info === "") assert.deepEqual(issues, []);
      else assert.ok(issues.join("\n").includes(info), `${JSON.stringify(info)} is not in ${JSON.stringify(issues)}`);
    });
  }
});
