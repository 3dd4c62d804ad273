// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are the Collector's variables
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ConfigError } from "../component/errors.ts";
import { loadConfig } from "../config/load.ts";
import { createCollector, validateConfig } from "./create.ts";
import { createLogger } from "./logger.ts";
import { createWorld } from "./testing/components.ts";

const SERVICE = { pipelines: { traces: { receivers: ["mem"], exporters: ["mem"] } } };
const CONFIG = { receivers: { mem: null }, exporters: { mem: {} }, service: SERVICE };

describe("createCollector", () => {
  test("from an object, from text, from what loadConfig gives", async () => {
    const text =
      "receivers: {mem: {label: '${env:X:-01}'}}\nexporters: {mem: }\nservice: {pipelines: {traces: {receivers: [mem], exporters: [mem]}}}";
    for (const config of [CONFIG, text, loadConfig([`yaml:${text}`])]) {
      const world = createWorld();
      const collector = await createCollector(config, world);
      await collector.start();
      await world.inputs.get("mem traces")!.consume({ signal: "traces", bytes: Uint8Array.of(1) });
      await collector.shutdown();
      assert.equal(world.outputs.get("mem traces")?.length, 1);
    }
  });

  test("an object is taken as it stands, variables are not expanded", async () => {
    const world = createWorld();
    const config = { ...CONFIG, receivers: { mem: { endpoints: ["${env:HOME}"] } } };
    const collector = await createCollector(config, world);
    await collector.start();
    assert.equal(collector.endpoints[0]?.url, "${env:HOME}");
    await collector.shutdown();
  });

  test("refuses what is wrong with a ConfigError", async () => {
    await assert.rejects(createCollector({ ...CONFIG, service: {} }, createWorld()), (error) => {
      assert.ok(error instanceof ConfigError);
      assert.deepEqual(error.issues, ["service::pipelines: must have at least one pipeline"]);
      return true;
    });
    await assert.rejects(createCollector("a: [", createWorld()), /^ConfigError: configuration:1:\d+: /);
  });

  test("makes the logger that the configuration asks for", async () => {
    const written: string[] = [];
    const text = `
receivers: {mem: , mem/spare: {label: '\${env:SURELY_NOT_SET}'}}
exporters: {mem: }
service:
  telemetry: {logs: {level: debug, encoding: json}}
  pipelines: {traces: {receivers: [mem], exporters: [mem]}}`;
    await createCollector(text, {
      ...createWorld(),
      logger: (settings) => createLogger({ ...settings, write: (line) => written.push(line) }),
    });
    const messages = written.map((line) => JSON.parse(line)).map(({ level, msg }) => `${level}: ${msg}`);
    assert.deepEqual(messages, [
      'warn: configuration references the environment variable "SURELY_NOT_SET", which is not set; its value is empty',
      'debug: receiver "mem/spare" is configured, but in no pipeline',
    ]);
  });
});

describe("validateConfig", () => {
  test("has nothing to say about a good one", async () => {
    assert.deepEqual(await validateConfig(CONFIG, createWorld()), []);
  });

  test("says all that is wrong: syntax, references, what a factory refuses", async () => {
    assert.match((await validateConfig("a: [", createWorld()))[0]!, /^configuration:1:\d+: /);
    assert.deepEqual(await validateConfig({ ...CONFIG, exporters: {} }, createWorld()), [
      'service::pipelines::traces: references exporter "mem" which is not configured',
    ]);
    assert.deepEqual(await validateConfig({ ...CONFIG, exporters: { mem: { fail: "create" } } }, createWorld()), [
      'exporter "mem" (traces) cannot be created: exporter does not want to be',
    ]);
  });
});
