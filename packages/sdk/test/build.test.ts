import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { buildPlugin, PluginBuildError } from "../build/index.ts";
import { instantiateBinary } from "./harness.ts";
import { WebAssembly } from "./webassembly.ts";

async function inFolder<T>(files: Record<string, string>, run: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "otelwasm-sdk-"));
  try {
    for (const [name, text] of Object.entries(files)) {
      await mkdir(join(folder, name, ".."), { recursive: true });
      await writeFile(join(folder, name), text);
    }
    return await run(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function diagnosticsOf(files: Record<string, string>): Promise<readonly string[]> {
  return inFolder(files, async (folder) => {
    try {
      await buildPlugin({ entry: join(folder, "index.ts") });
    } catch (error) {
      assert.ok(error instanceof PluginBuildError);
      for (const line of error.diagnostics) assert.ok(error.message.includes(line));
      return error.diagnostics;
    }
    assert.fail("it compiles");
  });
}

const NOP = `import { Logs, LogsProcessor, Status } from "@otelwasm/sdk";
export class Nop extends LogsProcessor {
  processLogs(logs: Logs): Status {
    return Status.ok();
  }
}
`;

test("a plugin exports what ABI v1 asks for, and imports what it uses", async () => {
  await inFolder({ "index.ts": NOP }, async (folder) => {
    const { binary } = await buildPlugin({ entry: join(folder, "index.ts") });
    const module = new WebAssembly.Module(new Uint8Array(binary));
    assert.deepEqual(
      WebAssembly.Module.exports(module)
        .map(({ name }) => name)
        .sort(),
      [
        "_initialize",
        "abi_version_v1",
        "alloc",
        "consume_logs",
        "get_supported_telemetry",
        "memory",
        "shutdown",
        "start",
      ],
    );
    assert.deepEqual([...new Set(WebAssembly.Module.imports(module).map((each) => each.module))].sort(), [
      "env",
      "opentelemetry.io/wasm",
    ]);
    assert.equal(instantiateBinary(binary, "{}").exports.get_supported_telemetry!(), 2);
  });
});

test("one class, or several, may serve several signals", async () => {
  const one = `import { Logs, Metrics, Processor, Status, Traces } from "@otelwasm/sdk";
    export class Both extends Processor {
      processTraces(traces: Traces): Status { return Status.ok(); }
      processMetrics(metrics: Metrics): Status { return Status.ok(); }
    }`;
  const two = `${NOP}
    import { Base } from "./base";
    export class Second extends Base {}
    export { Third } from "./base";`;
  const base = `import { Metrics, MetricsProcessor, Status, Traces, TracesProcessor } from "@otelwasm/sdk";
    export class Base extends TracesProcessor { processTraces(traces: Traces): Status { return Status.ok(); } }
    export class Third extends MetricsProcessor { processMetrics(metrics: Metrics): Status { return Status.ok(); } }`;
  for (const [files, mask] of [
    [{ "index.ts": one }, 5],
    [{ "index.ts": two, "base.ts": base }, 7],
  ] as const) {
    await inFolder(files, async (folder) => {
      const { binary } = await buildPlugin({ entry: join(folder, "index.ts"), optimize: false });
      const guest = instantiateBinary(binary, "{}");
      assert.equal(guest.start().status, 0);
      assert.equal(guest.exports.get_supported_telemetry!(), mask);
    });
  }
});

test("the module and its source map are written where they are wanted", async () => {
  await inFolder({ "index.ts": NOP }, async (folder) => {
    const outFile = join(folder, "out/plugin.wasm");
    const { binary } = await buildPlugin({ entry: join(folder, "index.ts"), outFile, sourceMap: true });
    assert.deepEqual(await readFile(outFile), Buffer.from(binary));
    const map = JSON.parse(await readFile(`${outFile}.map`, "utf8")) as { sources: string[] };
    assert.ok(map.sources.includes("index.ts"), map.sources.join());
  });
});

test("what does not compile is told by file, line and column", async () => {
  const wrong = NOP.replace("return Status.ok();", "const x: i32 = logs.nothing;\n    return Status.ok();");
  const [first = ""] = await diagnosticsOf({ "index.ts": wrong });
  assert.match(first, /index\.ts:4:25: error Property 'nothing' does not exist on type/);
  const [syntax = ""] = await diagnosticsOf({ "index.ts": NOP.replace("return", "retrun (") });
  assert.match(syntax, /index\.ts:4:\d+: error/);
  const [missing = ""] = await diagnosticsOf({ "index.ts": `import { x } from "./other";\n${NOP}` });
  assert.match(missing, /index\.ts:1:\d+: error File 'other.ts' not found/);
  const [config = ""] = await diagnosticsOf({
    "index.ts": NOP.replace("LogsProcessor {", "LogsProcessor {\n  name: string = config<string>();").replace(
      "{ Logs",
      "{ config, Logs",
    ),
  });
  assert.match(config, /error/);
});

test("a class without the method that its base promises is told so", async () => {
  const [without = ""] = await diagnosticsOf({ "index.ts": NOP.replace("processLogs", "process") });
  assert.match(
    without,
    /index\.ts:2:14: error .*Class 'Nop' extends LogsProcessor and has no method `processLogs\(logs: Logs\): Status`/,
  );
  const [none = ""] = await diagnosticsOf({
    "index.ts": NOP.replaceAll("LogsProcessor", "Processor").replace("processLogs", "process"),
  });
  assert.match(none, /extends Processor and has none of the methods processTraces, processMetrics, processLogs/);
  const [nothing = ""] = await diagnosticsOf({ "index.ts": NOP.replace("export ", "") });
  assert.match(nothing, /No plugin here: export a class that extends one of TracesReceiver, .*LogsExporter/);
  const [twice = ""] = await diagnosticsOf({
    "index.ts": NOP + NOP.slice(NOP.indexOf("export")).replace("Nop", "Again"),
  });
  assert.match(twice, /Nop and Again both take logs/);
});

const exporter = (text: string): string =>
  text.replaceAll("Processor", "Exporter").replace("processLogs", "exportLogs").replace("Nop", "Print");
const RECEIVER = `import { LogsReceiver } from "@otelwasm/sdk";
export class Ticker extends LogsReceiver {
  receiveLogs(): void {}
}
`;

test("a module may have classes of several kinds", async () => {
  await inFolder({ "index.ts": exporter(NOP) + RECEIVER }, async (folder) => {
    const { binary } = await buildPlugin({ entry: join(folder, "index.ts"), optimize: false });
    const guest = instantiateBinary(binary, "{}");
    assert.equal(guest.exports.get_supported_telemetry!(), 2);
    assert.equal(guest.start().status, 0);
    assert.equal(guest.consume("logs", new Uint8Array(0)).status, 0);
    assert.deepEqual(guest.receive("logs"), { reason: "", batches: [] });
  });
});

test("a receiver alone exports no alloc, and imports WASI only if it asks for the time", async () => {
  const clock = RECEIVER.replace("{ LogsReceiver", "{ LogsReceiver, sleep").replace("{}", "{ sleep(1); }");
  for (const [source, modules] of [
    [RECEIVER, ["env", "opentelemetry.io/wasm"]],
    [clock, ["env", "opentelemetry.io/wasm", "wasi_snapshot_preview1"]],
  ] as const) {
    await inFolder({ "index.ts": source }, async (folder) => {
      const { binary } = await buildPlugin({ entry: join(folder, "index.ts") });
      const module = new WebAssembly.Module(new Uint8Array(binary));
      const names = WebAssembly.Module.exports(module).map(({ name }) => name);
      assert.deepEqual(names.sort(), [
        "_initialize",
        "abi_version_v1",
        "get_supported_telemetry",
        "memory",
        "shutdown",
        "start",
        "start_logs_receiver",
      ]);
      assert.deepEqual([...new Set(WebAssembly.Module.imports(module).map((each) => each.module))].sort(), modules);
    });
  }
});

test("a receiver that answers a Status gives its reason to the host", async () => {
  const source = `import { LogsReceiver, Status } from "@otelwasm/sdk";
export class Ticker extends LogsReceiver {
  receiveLogs(): Status { return Status.error("the port is taken"); }
}`;
  await inFolder({ "index.ts": source }, async (folder) => {
    const { binary } = await buildPlugin({ entry: join(folder, "index.ts"), optimize: false });
    const guest = instantiateBinary(binary, "{}");
    guest.start();
    assert.deepEqual(guest.receive("logs"), { reason: "the port is taken", batches: [] });
  });
});

test("a processor and an exporter of the same signal cannot be one module", async () => {
  const [clash = ""] = await diagnosticsOf({
    "index.ts": `${NOP}export { Print } from "./print";\n`,
    "print.ts": exporter(NOP),
  });
  assert.match(
    clash,
    /Nop \(processor\) and Print \(exporter\) would both be the module's consume_logs, and the host could not tell them apart: build one of them as a module of its own/,
  );
});

test("what exporters and receivers lack is said with their own method's signature", async () => {
  const [print = ""] = await diagnosticsOf({ "index.ts": exporter(NOP).replace("exportLogs", "export_") });
  assert.match(print, /Class 'Print' extends LogsExporter and has no method `exportLogs\(logs: Logs\): Status`/);
  const [ticker = ""] = await diagnosticsOf({ "index.ts": RECEIVER.replace("receiveLogs", "receive") });
  assert.match(ticker, /Class 'Ticker' extends LogsReceiver and has no method `receiveLogs\(\): void`/);
});

test("a part of a batch is not made with new, and the author is told how it is made", async () => {
  const [part = ""] = await diagnosticsOf({
    "index.ts": RECEIVER.replace("{ LogsReceiver", "{ LogRecord, LogsReceiver").replace("{}", "{ new LogRecord(); }"),
  });
  assert.match(part, /index\.ts:3:25: error .*'LogRecord' is a part of a batch.*`slice\.appendEmpty\(\)`/);
});

test("a file that is not there is told by its path", async () => {
  await assert.rejects(buildPlugin({ entry: "nowhere/index.ts" }), /nowhere\/index\.ts: there is no such file/);
});

test("an abort reaches the host with its message and place", async () => {
  const source = NOP.replace("return Status.ok();", 'assert(false, "told so");\n    throw new Error("not reached");');
  await inFolder({ "index.ts": source }, async (folder) => {
    const { binary } = await buildPlugin({ entry: join(folder, "index.ts") });
    const guest = instantiateBinary(binary, "{}");
    guest.start();
    assert.throws(() => guest.consume("logs", Uint8Array.of(0)), /abort: told so at index\.ts:4:5/);
  });
});
