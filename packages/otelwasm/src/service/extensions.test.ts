import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { silentLogger } from "../component/logger.ts";
import { parseConfig } from "../config/load.ts";
import { assemble, type Collector } from "./collector.ts";
import { resolveConfig } from "./config.ts";
import { FactorySet } from "./factories.ts";
import { ComponentError } from "./instances.ts";
import { createWorld, type World } from "./testing/components.ts";

function collectorOf(extensions: string, exporter = ""): World & { collector: Collector } {
  const world = createWorld();
  const yaml = `
receivers: {mem: }
processors: {mem: }
exporters: {mem: ${exporter}}
extensions: {${extensions}}
service:
  extensions: [mem/a, mem/b]
  pipelines: {traces: {receivers: [mem], processors: [mem], exporters: [mem]}}
`;
  const config = resolveConfig(parseConfig(yaml), new FactorySet(world.factories));
  return { ...world, collector: assemble(config, { logger: silentLogger, shutdownTimeoutMs: 50 }) };
}

const TWO = "mem/a: {endpoints: ['mem://a']}, mem/b: ";

describe("extensions", () => {
  test("start before the pipelines, in their order, and stop after them, the other way round", async () => {
    const { collector, events } = collectorOf(`${TWO}, mem/spare: `);
    await collector.start();
    assert.deepEqual(collector.endpoints, [{ component: "mem/a", protocol: "mem", url: "mem://a" }]);
    await collector.shutdown();
    assert.deepEqual(
      events.filter((event) => !event.startsWith("create")),
      [
        "start extension mem/a",
        "start extension mem/b",
        "start exporter mem traces",
        "start processor mem traces",
        "start receiver mem traces",
        "shutdown receiver mem traces",
        "shutdown processor mem traces",
        "shutdown exporter mem traces",
        "shutdown extension mem/b",
        "shutdown extension mem/a",
      ],
    );
  });

  test("one that cannot start is named, nothing else starts, and all is shut down", async () => {
    const { collector, events } = collectorOf("mem/a: , mem/b: {fail: start}");
    await assert.rejects(collector.start(), (error) => {
      assert.ok(error instanceof ComponentError);
      assert.equal(error.message, 'extension "mem/b" cannot be started: start went wrong');
      assert.deepEqual([error.kind, error.id, error.signal], ["extension", "mem/b", undefined]);
      return true;
    });
    assert.equal(events.filter((event) => event.startsWith("start ")).length, 2);
    assert.equal(events.filter((event) => event.startsWith("shutdown ")).length, 5);
    assert.throws(() => collectorOf("mem/a: {fail: create}, mem/b: "), /extension "mem\/a" cannot be created: /);
  });

  test("one that cannot shut down is told of, and the others are", async () => {
    const { collector, events } = collectorOf("mem/a: , mem/b: {hang: shutdown}");
    await collector.start();
    await assert.rejects(
      collector.shutdown(),
      /^AggregateError: extension "mem\/b" cannot be shut down: it took longer/,
    );
    assert.equal(events.at(-1), "shutdown extension mem/a");
  });

  test("see how the collector is", async () => {
    const { collector, hosts, settings } = collectorOf(TWO);
    const host = hosts.get("mem/b")!;
    assert.equal(host.health().status, "None");
    await collector.start();
    assert.equal(host.health().status, "OK");
    settings.get("exporter mem traces")!.reportStatus({ status: "RecoverableError", error: "full" });
    assert.deepEqual(host.health(), collector.health());
    assert.equal(host.health().pipelines.traces?.status, "RecoverableError");
    await collector.shutdown();
    assert.equal(host.health().status, "Stopped");
  });
});

describe("health", () => {
  test("a component's own words, and those of the service around its life", async () => {
    const before = Date.now();
    const { collector, settings } = collectorOf(TWO);
    const changes: string[] = [];
    collector.onStatusChange(({ kind, id, status }) => changes.push(`${kind} ${id} ${status}`));
    await collector.start();
    settings.get("processor mem traces")!.reportStatus({ status: "PermanentError", error: "worn out" });
    const { components, status } = collector.health().pipelines.traces!;
    assert.equal(status, "PermanentError");
    assert.ok(components.every(({ since }) => since.getTime() >= before && since.getTime() <= Date.now()));
    assert.deepEqual(
      components.map(({ since: _, ...rest }) => rest),
      [
        { kind: "receiver", id: "mem", signal: "traces", status: "OK" },
        {
          kind: "processor",
          id: "mem",
          signal: "traces",
          pipeline: "traces",
          status: "PermanentError",
          error: "worn out",
        },
        { kind: "exporter", id: "mem", signal: "traces", status: "OK" },
      ],
    );
    await collector.shutdown();
    assert.deepEqual(
      changes.filter((change) => change.startsWith("processor")),
      ["Starting", "OK", "PermanentError", "Stopping", "Stopped"].map((each) => `processor mem ${each}`),
    );
  });

  test("a start that fails and a shutdown that does", async () => {
    const failing = collectorOf(TWO, "{fail: start}").collector;
    const errors: (string | undefined)[] = [];
    failing.onStatusChange(({ kind, status, error }) => {
      if (kind === "exporter" && status === "PermanentError") errors.push(error);
    });
    await assert.rejects(failing.start());
    assert.deepEqual(errors, ["start went wrong"]);

    const stuck = collectorOf(TWO, "{hang: shutdown}").collector;
    await stuck.start();
    await assert.rejects(stuck.shutdown());
    assert.equal(stuck.health().pipelines.traces?.components[2]?.error, "it took longer than 50 ms");
    assert.equal(stuck.health().status, "PermanentError");
  });
});
