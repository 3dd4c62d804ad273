import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ConsumerError, StatusCode } from "../component/errors.ts";
import type { ComponentHealth } from "../component/health.ts";
import type { LogAttributes, Logger } from "../component/logger.ts";
import { silentLogger } from "../component/logger.ts";
import { parseConfig } from "../config/load.ts";
import { assemble, type Collector } from "./collector.ts";
import { resolveConfig } from "./config.ts";
import { FactorySet } from "./factories.ts";
import { ComponentError } from "./instances.ts";
import { createWorld, type World } from "./testing/components.ts";

function collectorOf(yaml: string, logger: Logger = silentLogger): World & { collector: Collector } {
  const world = createWorld();
  const config = resolveConfig(parseConfig(yaml), new FactorySet(world.factories));
  return { ...world, collector: assemble(config, { logger, shutdownTimeoutMs: 50 }) };
}

function created(world: World): string[] {
  return world.events.filter((event) => event.startsWith("create ")).map((event) => event.slice(7));
}

function happened(world: World, what: string): string[] {
  return world.events.filter((event) => event.startsWith(`${what} `)).map((event) => event.slice(what.length + 1));
}

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

describe("connectors", () => {
  const CONNECTED = `
receivers: {mem: }
processors: {mem/p1: {tag: 1}, mem/p2: {tag: 2}, mem/p3: {tag: 3}}
connectors: {mem/c1: , mem/c2: }
exporters: {mem: , mem/out: }
service:
  pipelines:
    logs: {receivers: [mem/c1], processors: [mem/p3], exporters: [mem]}
    traces/last: {receivers: [mem/c2], exporters: [mem/out]}
    traces/mid: {receivers: [mem/c1, mem], processors: [mem/p2], exporters: [mem/c2]}
    traces: {receivers: [mem], processors: [mem/p1], exporters: [mem/c1, mem]}
`;

  test("there is one for each pair of signals that it connects", () => {
    const world = collectorOf(CONNECTED);
    assert.deepEqual(
      created(world)
        .filter((name) => name.startsWith("connector"))
        .sort(),
      ["connector mem/c1 traces logs", "connector mem/c1 traces traces", "connector mem/c2 traces traces"],
    );
    const { pipelines } = world.collector.health();
    assert.deepEqual(
      pipelines["traces/mid"]?.components.map(({ kind, id, outputSignal }) => [kind, id, outputSignal]),
      [
        ["receiver", "mem", undefined],
        ["connector", "mem/c1", "traces"],
        ["processor", "mem/p2", undefined],
        ["connector", "mem/c2", "traces"],
      ],
    );
    assert.equal(world.settings.get("connector mem/c1 traces logs")?.attributes["otelcol.signal.output"], "logs");
  });

  test("data goes on in every pipeline that they begin", async () => {
    const world = collectorOf(CONNECTED);
    await world.inputs.get("mem traces")!.consume({ signal: "traces", bytes: Uint8Array.of(9) });
    const seen = (key: string) => world.outputs.get(key)?.map((batch) => [batch.signal, ...batch.bytes]);
    assert.deepEqual(seen("mem traces"), [["traces", 9, 1]]);
    assert.deepEqual(seen("mem logs"), [["logs", 9, 1, 3]]);
    assert.deepEqual(seen("mem/out traces")?.sort(), [
      ["traces", 9, 1, 2],
      ["traces", 9, 2],
    ]);
  });

  test("start after what they give data to, and stop when all that gives them data has come to its end", async () => {
    const world = collectorOf(CONNECTED);
    await world.collector.start();
    await world.collector.shutdown();
    /** What gets data from what. */
    const edges = [
      ["receiver mem traces", "processor mem/p1 traces"],
      ["processor mem/p1 traces", "connector mem/c1 traces logs"],
      ["processor mem/p1 traces", "connector mem/c1 traces traces"],
      ["processor mem/p1 traces", "exporter mem traces"],
      ["connector mem/c1 traces logs", "processor mem/p3 logs"],
      ["processor mem/p3 logs", "exporter mem logs"],
      ["connector mem/c1 traces traces", "processor mem/p2 traces"],
      ["receiver mem traces", "processor mem/p2 traces"],
      ["processor mem/p2 traces", "connector mem/c2 traces traces"],
      ["connector mem/c2 traces traces", "exporter mem/out traces"],
    ] as const;
    const [started, stopped] = [happened(world, "start"), happened(world, "shutdown")];
    assert.equal(started.length, 10);
    assert.equal(stopped.length, 10);
    for (const [from, to] of edges) {
      assert.ok(started.indexOf(to) < started.indexOf(from), `${to} starts before ${from}`);
      assert.ok(stopped.indexOf(from) < stopped.indexOf(to), `${from} stops before ${to}`);
    }
  });

  test("one that hangs in its shutdown keeps nothing from it for longer than its time", async () => {
    const world = collectorOf(CONNECTED.replace("mem/c1: ,", "mem/c1: {hang: shutdown},"));
    await world.collector.start();
    await assert.rejects(world.collector.shutdown(), (error) => {
      assert.ok(error instanceof AggregateError);
      assert.deepEqual(error.errors.map(({ message }: Error) => message).sort(), [
        'connector "mem/c1" (traces to logs) cannot be shut down: it took longer than 50 ms',
        'connector "mem/c1" (traces to traces) cannot be shut down: it took longer than 50 ms',
      ]);
      return true;
    });
    assert.equal(happened(world, "shutdown").length, 10);
  });

  test("a buffer is copied for one that alters it, or that hands it to what does, and not for one that makes another of it", async () => {
    const through = async (connector: string, exporter: string, to: string) => {
      const world = collectorOf(`
receivers: {mem: }
connectors: {mem/c: ${connector}}
exporters: {mem: , mem/out: ${exporter}}
service:
  pipelines:
    traces: {receivers: [mem], exporters: [mem/c, mem]}
    ${to}/end: {receivers: [mem/c], exporters: [mem/out]}
`);
      const original = Uint8Array.of(5, 5);
      await world.inputs.get("mem traces")!.consume({ signal: "traces", bytes: original });
      assert.equal(world.outputs.get("mem traces")![0]!.bytes, original);
      assert.deepEqual([...original], [5, 5]);
      return world.outputs.get(`mem/out ${to}`)![0]!.bytes;
    };
    assert.deepEqual([...(await through("{}", "{}", "traces"))], [5, 5]);
    assert.deepEqual([...(await through("{mutates: true, tag: 7}", "{}", "traces"))], [7, 7]);
    assert.deepEqual([...(await through("{}", "{mutates: true}", "traces"))], [0xff, 0xff]);
    assert.deepEqual([...(await through("{}", "{mutates: true}", "logs"))], [0xff, 0xff]);
  });

  test("one that cannot be created is named", () => {
    assert.throws(() => collectorOf(CONNECTED.replace("mem/c2: }", "mem/c2: {fail: create}}")), {
      name: "ComponentError",
      message: 'connector "mem/c2" (traces to traces) cannot be created: connector does not want to be',
    });
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
