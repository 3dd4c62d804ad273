import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ConsumerError, StatusCode } from "../component/errors.ts";
import type { ComponentHealth } from "../component/health.ts";
import type { LogAttributes, Logger } from "../component/logger.ts";
import { silentLogger } from "../component/logger.ts";
import type { Collector } from "./collector.ts";
import { ComponentError } from "./instances.ts";
import { collectorOf, created, happened } from "./testing/collectors.ts";
import type { World } from "./testing/components.ts";

/** Resolves with the next change of a component's status. */
function nextChange(collector: Collector): Promise<ComponentHealth> {
  return new Promise((resolve) => {
    const end = collector.onStatusChange((health) => {
      end();
      resolve(health);
    });
  });
}

const TWO_PIPELINES = `
receivers: {mem/r1: , mem/r2: }
processors: {mem/p1: {tag: 1}, mem/p2: {tag: 2}}
exporters: {mem/e1: , mem/e2: }
service:
  pipelines:
    traces: {receivers: [mem/r1, mem/r2], processors: [mem/p1, mem/p2], exporters: [mem/e1, mem/e2]}
    traces/b: {receivers: [mem/r1], processors: [mem/p2], exporters: [mem/e2]}
    logs: {receivers: [mem/r1], exporters: [mem/e1]}
`;

describe("the graph", () => {
  test("receivers and exporters are one for each signal, processors one for each pipeline", () => {
    assert.deepEqual(created(collectorOf(TWO_PIPELINES)).sort(), [
      "exporter mem/e1 logs",
      "exporter mem/e1 traces",
      "exporter mem/e2 traces",
      "processor mem/p1 traces",
      "processor mem/p2 traces",
      "processor mem/p2 traces",
      "receiver mem/r1 logs",
      "receiver mem/r1 traces",
      "receiver mem/r2 traces",
    ]);
  });

  test("data goes through each pipeline of its receiver, in the order configured", async () => {
    const world = collectorOf(TWO_PIPELINES);
    await world.inputs.get("mem/r1 traces")!.consume({ signal: "traces", bytes: Uint8Array.of(9) });
    await world.inputs.get("mem/r2 traces")!.consume({ signal: "traces", bytes: Uint8Array.of(8) });
    const seen = (key: string) => world.outputs.get(key)?.map((batch) => [...batch.bytes]);
    assert.deepEqual(seen("mem/e1 traces"), [
      [9, 1, 2],
      [8, 1, 2],
    ]);
    assert.deepEqual(seen("mem/e2 traces")?.sort(), [
      [8, 1, 2],
      [9, 1, 2],
      [9, 2],
    ]);
    assert.equal(seen("mem/e1 logs"), undefined);
  });

  test("a single consumer is called without anything in between", async () => {
    const world = collectorOf(`
receivers: {mem: }
exporters: {mem: }
service: {pipelines: {traces: {receivers: [mem], exporters: [mem]}}}
`);
    const batch = { signal: "traces", bytes: Uint8Array.of(1) } as const;
    await world.inputs.get("mem traces")!.consume(batch);
    assert.equal(world.outputs.get("mem traces")?.[0], batch);
  });
});

describe("a buffer that several consumers get", () => {
  async function send(exporters: string, processors = "", use = ""): Promise<{ world: World; original: Uint8Array }> {
    const world = collectorOf(`
receivers: {mem: }
processors: {${processors}}
exporters: {${exporters}}
service:
  pipelines:
    traces: {receivers: [mem], exporters: [mem/a, mem/b]}
    traces/2: {receivers: [mem], processors: [${use}], exporters: [mem/c]}
`);
    const original = Uint8Array.of(5, 5);
    await world.inputs.get("mem traces")!.consume({ signal: "traces", bytes: original });
    return { world, original };
  }
  const bytes = (world: World, id: string) => world.outputs.get(`${id} traces`)![0]!.bytes;

  test("is shared by those that only read", async () => {
    const { world, original } = await send("mem/a: , mem/b: , mem/c: ");
    for (const id of ["mem/a", "mem/b", "mem/c"]) assert.equal(bytes(world, id), original);
  });

  test("is copied for those that alter it", async () => {
    const { world, original } = await send("mem/a: , mem/b: {mutates: true}, mem/c: {mutates: true}");
    assert.equal(bytes(world, "mem/a"), original);
    assert.deepEqual([...original], [5, 5]);
    assert.deepEqual([...bytes(world, "mem/b")], [0xff, 0xff]);
    assert.notEqual(bytes(world, "mem/b").buffer, bytes(world, "mem/c").buffer);
  });

  test("goes to the last one as it is if all alter it", async () => {
    const all = "mem/a: {mutates: true}, mem/b: {mutates: true}, mem/c: {mutates: true}";
    const { world, original } = await send(all);
    const used = ["mem/a", "mem/b", "mem/c"].map((id) => bytes(world, id).buffer);
    assert.equal(new Set(used).size, 3);
    assert.equal(used.filter((buffer) => buffer === original.buffer).length, 1);
  });

  test("is copied for a pipeline whose first processor reads and whose second writes", async () => {
    const { world, original } = await send(
      "mem/a: , mem/b: , mem/c: ",
      "mem/reads: , mem/writes: {mutates: true, tag: 7}",
      "mem/reads, mem/writes",
    );
    assert.deepEqual([...bytes(world, "mem/c")], [7, 5]);
    assert.deepEqual([...original], [5, 5]);
    assert.equal(bytes(world, "mem/a"), original);
  });
});

describe("errors of several consumers", () => {
  test("all are called, and what went wrong is joined", async () => {
    const world = collectorOf(`
receivers: {mem: }
exporters: {mem/a: {fail: consume}, mem/b: , mem/c: {fail: consume}}
service: {pipelines: {traces: {receivers: [mem], exporters: [mem/a, mem/b, mem/c]}}}
`);
    const sent = world.inputs.get("mem traces")!.consume({ signal: "traces", bytes: Uint8Array.of(1) });
    await assert.rejects(sent, (error) => {
      assert.ok(error instanceof ConsumerError);
      assert.equal(error.message, "mem/a is full; mem/c is full");
      assert.equal(error.permanent, false);
      assert.equal(error.code, StatusCode.UNAVAILABLE);
      return true;
    });
    assert.equal(world.outputs.get("mem/b traces")?.length, 1);
  });
});

describe("starting and stopping", () => {
  const CHAIN = `
receivers: {mem: {endpoints: ["mem://one"]}}
processors: {mem/p1: , mem/p2: }
exporters: {mem: }
service:
  pipelines:
    traces: {receivers: [mem], processors: [mem/p1, mem/p2], exporters: [mem]}
    logs: {receivers: [mem], exporters: [mem]}
`;

  test("goes from the exporters to the receivers, and back", async () => {
    const world = collectorOf(CHAIN);
    assert.deepEqual(world.collector.endpoints, []);
    await world.collector.start();
    assert.deepEqual(world.collector.endpoints, [{ component: "mem", protocol: "mem", url: "mem://one" }]);
    await world.collector.shutdown();
    assert.deepEqual(happened(world, "start"), [
      "exporter mem traces",
      "exporter mem logs",
      "processor mem/p2 traces",
      "processor mem/p1 traces",
      "receiver mem traces",
      "receiver mem logs",
    ]);
    assert.deepEqual(happened(world, "shutdown"), [
      "receiver mem traces",
      "receiver mem logs",
      "processor mem/p1 traces",
      "processor mem/p2 traces",
      "exporter mem traces",
      "exporter mem logs",
    ]);
  });

  test("a start that fails names the component and stops everything", async () => {
    const world = collectorOf(CHAIN.replace("mem/p1: ", "mem/p1: {fail: start}"));
    await assert.rejects(world.collector.start(), (error) => {
      assert.ok(error instanceof ComponentError);
      assert.equal(error.message, 'processor "mem/p1" (pipeline traces) cannot be started: start went wrong');
      assert.deepEqual([error.kind, error.id, error.signal], ["processor", "mem/p1", "traces"]);
      return true;
    });
    assert.equal(happened(world, "start").includes("receiver mem traces"), false);
    assert.equal(happened(world, "shutdown").length, created(world).length);
    await world.collector.shutdown();
    assert.equal(happened(world, "shutdown").length, created(world).length, "no second shutdown");
  });

  test("what cannot be created is named", () => {
    assert.throws(() => collectorOf(CHAIN.replace("exporters: {mem: }", "exporters: {mem: {fail: create}}")), {
      name: "ComponentError",
      message: 'exporter "mem" (traces) cannot be created: exporter does not want to be',
    });
  });

  test("a shutdown that fails or hangs does not keep the others from theirs", async () => {
    const world = collectorOf(
      CHAIN.replace("mem/p1: ", "mem/p1: {hang: shutdown}").replace(
        "exporters: {mem: }",
        "exporters: {mem: {fail: shutdown}}",
      ),
    );
    await world.collector.start();
    await assert.rejects(world.collector.shutdown(), (error) => {
      assert.ok(error instanceof AggregateError);
      assert.deepEqual(
        error.errors.map((each: Error) => each.message),
        [
          'processor "mem/p1" (pipeline traces) cannot be shut down: it took longer than 50 ms',
          'exporter "mem" (traces) cannot be shut down: shutdown went wrong',
          'exporter "mem" (logs) cannot be shut down: shutdown went wrong',
        ],
      );
      return true;
    });
    assert.equal(happened(world, "shutdown").length, 6);
  });

  test("a component that asks for more time to shut down gets it", async () => {
    const world = collectorOf(CHAIN.replace("mem/p1: ", "mem/p1: {hang: shutdown, shutdown_timeout: 80}"));
    await world.collector.start();
    await assert.rejects(world.collector.shutdown(), /"mem\/p1" .*: it took longer than 80 ms/);
  });

  test("a shutdown during the start ends it", async () => {
    const world = collectorOf(CHAIN);
    const begun = nextChange(world.collector);
    const start = world.collector.start();
    await begun;
    const stop = world.collector.shutdown();
    await assert.rejects(start, /the collector is shutting down/);
    await stop;
    assert.equal(happened(world, "start").length, 1);
    assert.equal(happened(world, "shutdown").length, 6);
  });

  test("a shutdown does not wait for ever for a start that hangs", async () => {
    const world = collectorOf(CHAIN.replace("exporters: {mem: }", "exporters: {mem: {hang: start}}"));
    const begun = nextChange(world.collector);
    world.collector.start().catch(() => assert.fail("the start cannot end"));
    await begun;
    await world.collector.shutdown();
    assert.equal(happened(world, "shutdown").length, 6);
  });

  test("starts once, stops as often as one likes", async () => {
    const { collector, events } = collectorOf(CHAIN);
    await collector.start();
    await assert.rejects(collector.start(), /was started before/);
    await Promise.all([collector.shutdown(), collector.shutdown()]);
    assert.equal(events.filter((event) => event.startsWith("shutdown ")).length, 6);
    await assert.rejects(
      collectorShutDown().then((other) => other.start()),
      /was shut down/,
    );
  });

  async function collectorShutDown(): Promise<Collector> {
    const { collector } = collectorOf(CHAIN);
    await collector.shutdown();
    return collector;
  }
});

test("each component's logger names it; what is in no pipeline is mentioned", () => {
  const lines: string[] = [];
  const children: LogAttributes[] = [];
  const logger: Logger = {
    ...silentLogger,
    debug: (message) => void lines.push(message),
    child: (attributes) => {
      children.push(attributes);
      return silentLogger;
    },
  };
  collectorOf(
    `
receivers: {mem: , mem/spare: }
processors: {mem/p: }
exporters: {mem: }
service: {pipelines: {logs/x: {receivers: [mem], processors: [mem/p], exporters: [mem]}}}
`,
    logger,
  );
  assert.deepEqual(lines, ['receiver "mem/spare" is configured, but in no pipeline']);
  assert.deepEqual(children[1], {
    "otelcol.component.id": "mem/p",
    "otelcol.component.kind": "processor",
    "otelcol.signal": "logs",
    "otelcol.pipeline.id": "logs/x",
  });
});
