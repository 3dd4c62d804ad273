import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Batch } from "../telemetry/batch.ts";
import type { Collector, ReloadReport } from "./collector.ts";
import { createCollector } from "./create.ts";
import { createWorld, type World } from "./testing/components.ts";

interface Running extends World, AsyncDisposable {
  readonly collector: Collector;
  /** What happens in a reload, in its order. */
  reload(yaml: string): Promise<{ report: ReloadReport; events: readonly string[] }>;
  /** Sends one byte. @returns the bytes that each exporter got of it */
  send(input: string): Promise<Record<string, number[]>>;
}

async function run(yaml: string): Promise<Running> {
  const world = createWorld();
  const collector = await createCollector(yaml, { factories: world.factories, shutdownTimeoutMs: 1_000 });
  await collector.start();
  return {
    ...world,
    collector,
    async reload(next) {
      const begun = world.events.length;
      const report = await collector.reload(next);
      return { report, events: world.events.slice(begun) };
    },
    async send(input) {
      world.outputs.clear();
      const [signal] = input.split(" ").slice(-1) as [Batch["signal"]];
      await world.inputs.get(input)!.consume({ signal, bytes: Uint8Array.of(7) });
      return Object.fromEntries([...world.outputs].map(([key, [batch]]) => [key, [...batch!.bytes]]));
    },
    [Symbol.asyncDispose]: () => collector.shutdown(),
  };
}

function ids(places: readonly { kind: string; id: string }[]): string[] {
  return places.map(({ kind, id }) => `${kind} ${id}`);
}

interface Parts {
  readonly receivers?: string;
  readonly processors?: string;
  readonly exporters?: string;
  readonly extensions?: string;
  readonly service?: string;
  readonly pipelines?: string;
}

function config(parts: Parts = {}): string {
  const {
    receivers = "{mem: }",
    processors = "{mem/p: {tag: 1}}",
    exporters = "{mem/e: }",
    extensions = "{mem/x: }",
    service = "extensions: [mem/x]",
    pipelines = "{logs: {receivers: [mem], processors: [mem/p], exporters: [mem/e]}}",
  } = parts;
  return `
receivers: ${receivers}
processors: ${processors}
exporters: ${exporters}
extensions: ${extensions}
service: {${service}, pipelines: ${pipelines}}`;
}

describe("a reload", () => {
  test("of the same changes nothing, in whatever order it is written", async () => {
    await using running = await run(config({ processors: "{mem/p: {tag: 1, mutates: false}}" }));
    const { report, events } = await running.reload(config({ processors: "{mem/p: {mutates: false, tag: 1}}" }));
    assert.deepEqual(events, []);
    assert.deepEqual(ids(report.kept), ["extension mem/x", "exporter mem/e", "processor mem/p", "receiver mem"]);
    assert.deepEqual([report.started, report.stopped], [[], []]);
    assert.deepEqual(await running.send("mem logs"), { "mem/e logs": [7, 1] });
  });

  test("replaces what has changed, started before the old one stops; the rest goes on", async () => {
    await using running = await run(config());
    const { report, events } = await running.reload(config({ processors: "{mem/p: {tag: 2}}" }));
    assert.deepEqual(events, [
      "create processor mem/p logs",
      "start processor mem/p logs",
      "shutdown processor mem/p logs",
    ]);
    assert.deepEqual(ids(report.kept), ["extension mem/x", "exporter mem/e", "receiver mem"]);
    assert.deepEqual(report.started, [{ kind: "processor", id: "mem/p", signal: "logs", pipeline: "logs" }]);
    assert.deepEqual(report.stopped, report.started);
    assert.deepEqual(await running.send("mem logs"), { "mem/e logs": [7, 2] });
  });

  test("composes pipelines anew around what stays", async () => {
    const processors = "{mem/p: {tag: 1}, mem/q: {tag: 2, mutates: true}}";
    const exporters = "{mem/e: , mem/f: }";
    await using running = await run(config({ processors, exporters }));
    const steps: [string, Record<string, number[]>, string[]][] = [
      [
        "processors: [mem/p, mem/q], exporters: [mem/e]",
        { "mem/e logs": [2, 1] },
        ["create processor mem/q logs", "start processor mem/q logs"],
      ],
      ["processors: [mem/q, mem/p], exporters: [mem/e]", { "mem/e logs": [2, 1] }, []],
      [
        "processors: [mem/q, mem/p], exporters: [mem/f, mem/e]",
        { "mem/e logs": [2, 1], "mem/f logs": [2, 1] },
        ["create exporter mem/f logs", "start exporter mem/f logs"],
      ],
      [
        "exporters: [mem/f]",
        { "mem/f logs": [7] },
        ["shutdown processor mem/q logs", "shutdown processor mem/p logs", "shutdown exporter mem/e logs"],
      ],
    ];
    for (const [pipeline, got, expected] of steps) {
      const pipelines = `{logs: {receivers: [mem], ${pipeline}}}`;
      const { events } = await running.reload(config({ processors, exporters, pipelines }));
      assert.deepEqual(events, expected, pipeline);
      assert.deepEqual(await running.send("mem logs"), got, pipeline);
      assert.equal(running.collector.health().status, "OK");
    }
  });

  test("lets connectors stay, and takes their pipelines away", async () => {
    const connected = (tag: number) => `
receivers: {mem: }
processors: {mem/p: {tag: ${tag}}}
exporters: {mem/e: }
connectors: {mem/c: }
service: {pipelines: {logs: {receivers: [mem], exporters: [mem/c]}, logs/b: {receivers: [mem/c], processors: [mem/p], exporters: [mem/e]}}}`;
    await using running = await run(connected(1));
    assert.deepEqual(await running.send("mem logs"), { "mem/e logs": [7, 1] });
    const { events } = await running.reload(connected(2));
    assert.deepEqual(events, [
      "create processor mem/p logs",
      "start processor mem/p logs",
      "shutdown processor mem/p logs",
    ]);
    assert.deepEqual(await running.send("mem logs"), { "mem/e logs": [7, 2] });
    const gone = await running.reload(
      config({ extensions: "", service: "extensions: []", processors: "{mem/p: {tag: 2}}" }),
    );
    assert.deepEqual(gone.events.slice(-2), ["shutdown connector mem/c logs logs", "shutdown processor mem/p logs"]);
    assert.deepEqual(await running.send("mem logs"), { "mem/e logs": [7, 2] });
  });

  test("new receivers start last, old ones stop first, extensions the other way round", async () => {
    await using running = await run(config());
    const { events } = await running.reload(
      config({
        receivers: "{mem: {label: b}}",
        processors: "{mem/p: {label: b}}",
        exporters: "{mem/e: {label: b}}",
        extensions: "{mem/x: {label: b}}",
      }),
    );
    const all = ["extension mem/x", "exporter mem/e logs", "processor mem/p logs", "receiver mem logs"];
    assert.deepEqual(events, [
      ...all.map((name) => `create ${name}`),
      ...all.map((name) => `start ${name}`),
      ...all.toReversed().map((name) => `shutdown ${name}`),
    ]);
  });

  test("replaces what has asked for an extension that is replaced, and nothing else", async () => {
    await using running = await run(config({ exporters: "{mem/e: , mem/f: }" }));
    running.settings.get("exporter mem/e logs")!.host.extension("mem/x");
    running.settings.get("receiver mem logs")!.host.extension("mem/y");
    const changed = await running.reload(
      config({ exporters: "{mem/e: , mem/f: }", extensions: "{mem/x: {label: b}}" }),
    );
    assert.deepEqual(ids(changed.report.started), ["extension mem/x", "exporter mem/e"]);
    const extensions = "{mem/x: {label: b}, mem/y: }";
    const appeared = await running.reload(config({ extensions, service: "extensions: [mem/x, mem/y]" }));
    assert.deepEqual(ids(appeared.report.started), ["extension mem/y", "receiver mem"]);
    const order = await running.reload(config({ extensions, service: "extensions: [mem/y, mem/x]" }));
    assert.deepEqual(order.events, []);
  });

  test("replaces what has failed for good, and not what is about to recover", async () => {
    await using running = await run(config({ exporters: "{mem/e: , mem/f: }" }));
    running.settings.get("processor mem/p logs")!.reportStatus({ status: "RecoverableError" });
    running.settings.get("exporter mem/e logs")!.reportStatus({ status: "PermanentError" });
    assert.deepEqual(ids((await running.reload(config())).report.started), ["exporter mem/e"]);
  });

  test("replaces what is made of something else now", async () => {
    const world = createWorld();
    let made = "a";
    const [receiver, ...others] = world.factories;
    const factories = [{ ...receiver!, fingerprint: async () => made } as typeof receiver & object, ...others];
    const collector = await createCollector(config(), { factories });
    await using stack = new AsyncDisposableStack();
    stack.defer(() => collector.shutdown());
    await collector.start();
    assert.deepEqual(ids((await collector.reload(config())).started), []);
    made = "b";
    assert.deepEqual(ids((await collector.reload(config())).started), ["receiver mem"]);
    assert.deepEqual(ids((await collector.reload(config())).started), []);
  });

  test("lets what is in flight go its old way to the end", async () => {
    await using running = await run(config({ processors: "{mem/p: {tag: 1}}" }));
    const sent = running.inputs.get("mem logs")!.consume({ signal: "logs", bytes: Uint8Array.of(7) });
    await running.reload(config({ processors: "{mem/p: {tag: 2}}" }));
    await sent;
    assert.deepEqual([...running.outputs.get("mem/e logs")![0]!.bytes], [7, 1]);
  });

  test("shows where it can be reached, and how it is", async () => {
    await using running = await run(config({ receivers: "{mem: {endpoints: ['a']}}" }));
    await running.reload(config({ receivers: "{mem: {endpoints: ['b']}}", extensions: "", service: "extensions: []" }));
    assert.deepEqual(running.collector.endpoints, [{ component: "mem", protocol: "mem", url: "b" }]);
    const { status, extensions, pipelines } = running.collector.health();
    assert.deepEqual([status, extensions, Object.keys(pipelines)], ["OK", [], ["logs"]]);
  });
});

describe("a reload that fails leaves everything as it was", () => {
  const failures: [string, Parts, RegExp][] = [
    ["a configuration that is wrong", { exporters: "{mem/e: {fial: start}}" }, /exporters::mem\/e::fial: unknown key/],
    ["a factory", { exporters: "{mem/e: {fail: create}}" }, /^exporter "mem\/e" \(logs\) cannot be created: /],
    ["an extension's start", { extensions: "{mem/x: {fail: start}}" }, /^extension "mem\/x" cannot be started/],
    [
      "a processor's start",
      { processors: "{mem/p: {fail: start}}" },
      /^processor "mem\/p" \(pipeline logs\) cannot be started/,
    ],
    [
      "a receiver's start",
      { receivers: "{mem: {fail: start}}", processors: "{mem/p: {tag: 9}}" },
      /^receiver "mem" \(logs\) cannot/,
    ],
  ];
  for (const [what, parts, message] of failures) {
    test(what, async () => {
      await using running = await run(config());
      const health = running.collector.health();
      const begun = running.events.length;
      const input = running.inputs.get("mem logs")!;
      await assert.rejects(running.reload(config(parts)), { message });
      const events = running.events.slice(begun);
      const of = (step: string) =>
        events.flatMap((event) => (event.startsWith(`${step} `) ? event.slice(step.length + 1) : []));
      assert.deepEqual(of("shutdown"), of("create").toReversed(), "all that was created is gone, the last first");
      assert.deepEqual(running.collector.health(), health);
      running.inputs.set("mem logs", input);
      assert.deepEqual(await running.send("mem logs"), { "mem/e logs": [7, 1] });
      assert.deepEqual(ids((await running.reload(config({ processors: "{mem/p: {tag: 3}}" }))).report.started), [
        "processor mem/p",
      ]);
      assert.deepEqual(await running.send("mem logs"), { "mem/e logs": [7, 3] });
    });
  }

  test("a component that says at once that it does not work", async () => {
    await using running = await run(config());
    const end = running.collector.onStatusChange(({ id, status }) => {
      if (id === "mem/f" && status === "OK")
        running.settings.get("exporter mem/f logs")!.reportStatus({ status: "FatalError", error: "no more" });
    });
    const pipelines = "{logs: {receivers: [mem], exporters: [mem/f]}}";
    await assert.rejects(
      running.reload(config({ exporters: "{mem/f: }", pipelines })),
      /"mem\/f" \(logs\) does not work: no more/,
    );
    end();
    assert.equal(running.collector.health().status, "OK");
    assert.deepEqual(await running.send("mem logs"), { "mem/e logs": [7, 1] });
  });
});

describe("reloads, starts and shutdowns", () => {
  const changed = (tag: number) => config({ processors: `{mem/p: {tag: ${tag}}}` });

  test("one reload after the other, after the start, and none without one", async () => {
    const world = createWorld();
    const collector = await createCollector(config(), { factories: world.factories });
    await assert.rejects(collector.reload(changed(2)), /was not started/);
    const started = collector.start();
    const reports = await Promise.all([
      collector.reload(changed(2)),
      collector.reload("nonsense: {}").catch((error: Error) => error.message),
      collector.reload(changed(3)),
    ]);
    await started;
    assert.match(String(reports[1]), /nonsense: unknown key/);
    assert.deepEqual(
      world.events.filter((event) => event.includes("processor")).map((event) => event.split(" ")[0]),
      ["create", "start", "create", "start", "shutdown", "create", "start", "shutdown"],
    );
    await collector.shutdown();
    await assert.rejects(collector.reload(changed(2)), /shutting down/);
  });

  test("a shutdown ends the reload that is under way, and takes all with it", async () => {
    await using running = await run(config());
    const starting = Promise.withResolvers<void>();
    running.collector.onStatusChange(({ id, status }) => {
      if (id === "mem/f" && status === "Starting") starting.resolve();
    });
    const pipelines = "{logs: {receivers: [mem], exporters: [mem/f, mem/g]}}";
    const reloading = running.collector.reload(config({ exporters: "{mem/f: , mem/g: }", pipelines }));
    await starting.promise;
    await Promise.all([assert.rejects(reloading, /shutting down/), running.collector.shutdown()]);
    const of = (step: string) =>
      running.events
        .filter((event) => event.startsWith(step))
        .map((event) => event.slice(step.length))
        .sort();
    assert.deepEqual(of("shutdown "), of("create "));
  });

  test("a start that fails takes a reload that waited for it along", async () => {
    const world = createWorld();
    const collector = await createCollector(config({ exporters: "{mem/e: {fail: start}}" }), {
      factories: world.factories,
    });
    const started = collector.start();
    await Promise.all([
      assert.rejects(collector.reload(config()), /cannot be started/),
      assert.rejects(started, /cannot be started/),
    ]);
  });
});
