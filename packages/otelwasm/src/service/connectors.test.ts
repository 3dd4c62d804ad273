import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { collectorOf, created, happened } from "./testing/collectors.ts";

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
