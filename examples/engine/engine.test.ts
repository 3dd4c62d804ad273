import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { parse } from "yaml";
import { runProgram } from "../../e2e/process.ts";
import { buildAttributesPlugin } from "../attributes/build.ts";
import { attribute, list, throughCollector } from "../testing.ts";

const RECORD = { resourceLogs: [{ scopeLogs: [{ logRecords: [{ attributes: [attribute("a", 1)] }] }] }] };
const COLLECTOR = "packages/otelwasm/bin/otelwasm.js";

test("examples/engine: its config.yaml serves, with the guest in a thread of its own", async () => {
  await buildAttributesPlugin();
  const arrived = await throughCollector("engine", "logs", RECORD);
  const [resource] = list(arrived, "resourceLogs");
  const [scope] = list(resource!, "scopeLogs");
  const [record] = list(scope!, "logRecords");
  assert.deepEqual(
    list(record!, "attributes").map(({ key }) => key),
    ["a", "processed.by"],
  );
});

test("examples/engine: its options are checked by the engine itself", async () => {
  const text = await readFile(new URL("config.yaml", import.meta.url), "utf8");
  const validate = async (change: (config: ReturnType<typeof parse>) => void): Promise<string> => {
    const config = parse(text);
    change(config);
    const program = runProgram([COLLECTOR, "validate", "--config", `yaml:${JSON.stringify(config)}`]);
    await program.exit;
    return program.output;
  };
  const runtime = (config: ReturnType<typeof parse>) => config.processors["wasm/attributes"].runtime_config;
  assert.match(await validate(() => {}), /^The configuration is valid\.\n$/);
  assert.match(
    await validate((config) => {
      runtime(config).counting = { print_every: 0, print: 1 };
    }),
    /processors::wasm\/attributes::runtime_config::counting::print: unknown key; there is print_every\n.*counting::print_every: must be/s,
  );
  assert.match(
    await validate((config) => {
      config.service.engines = ["./no/such.js", "./package.json"];
    }),
    /service::engines::0: cannot use the module \.\/no\/such\.js: Cannot find module.*\n.*service::engines::1: cannot use the module \.\/package\.json/s,
  );
  assert.match(
    await validate((config) => {
      config.service.engines = [];
    }),
    /runtime_config::type: unknown runtime type "counting"; known types: /,
  );
});
