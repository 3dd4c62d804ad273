import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { Worker } from "node:worker_threads";
import { contractSuite } from "../contract.suite.ts";
import { WasmError } from "../errors.ts";
import { featuresSuite } from "../features.suite.ts";
import { create } from "../registry.ts";
import { Bench, call, hasCode, host } from "../testing/bench.ts";
import { expectFlatMemory } from "../testing/cycles.ts";
import { wat } from "../testing/wat.ts";
import "../engines.ts";
import { fromTrap } from "./errors.ts";
import { V8_CAPABILITIES } from "./runtime.ts";
import { WebAssembly } from "./webassembly.ts";

contractSuite("v8", V8_CAPABILITIES, () => create({ type: "v8" }));
featuresSuite("v8", V8_CAPABILITIES, () => create({ type: "v8" }));

describe("v8: what it has that is its own", () => {
  let bench: Bench;
  before(async () => {
    bench = new Bench(await create({ type: "v8" }));
  });
  after(() => bench.close());

  test("a shared memory's views follow growth, though its old buffer is not detached", async () => {
    const instance = await bench.instantiate(
      '(module (memory (export "memory") 1 4 shared) (func (export "grow") (result i32) (memory.grow (i32.const 1))))',
    );
    assert.equal(instance.memory!.bytes().length, 65536);
    call(instance, "grow");
    assert.equal(instance.memory!.bytes().length, 2 * 65536);
    assert.equal(instance.memory!.view().byteLength, 2 * 65536);
  });

  test("a binary in shared memory compiles", async () => {
    const binary = wat('(module (func (export "f") (result i32) (i32.const 3)))');
    const shared = new Uint8Array(new SharedArrayBuffer(binary.length));
    shared.set(binary);
    assert.equal(call(await bench.instantiateModule(await bench.runtime.compile(shared)), "f"), 3);
  });

  test("a memory that cannot be made is memory_limit", async () => {
    // A process of its own, as V8 reads its own maximum when it starts.
    const script = `
      import { create } from ${JSON.stringify(new URL("../registry.ts", import.meta.url).href)};
      import ${JSON.stringify(new URL("../engines.ts", import.meta.url).href)};
      const runtime = await create();
      const module = await runtime.compile(Buffer.from(${JSON.stringify(Buffer.from(wat("(module (memory 5000))")).toString("base64"))}, "base64"));
      await runtime.instantiateWithHost(module, { functions: [] }).catch((error) => console.log(error.code));
    `;
    const args = ["--wasm-max-mem-pages=2000", "--input-type=module", "-e", script];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    assert.equal(stdout.trim(), "memory_limit");
  });

  test("a module of another runtime is refused", async () => {
    const other = { imports: [], exports: [], async close() {} };
    await assert.rejects(
      bench.runtime.instantiateWithHost(other, { functions: [] }),
      hasCode("unsupported", /another runtime/),
    );
  });

  test("a name that the start function's export would take is avoided", async () => {
    let started = 0;
    const instance = await bench.instantiate(
      '(module (import "env" "f" (func $f)) (func (export "(start)") (result i32) (i32.const 4)) (func $s (call $f)) (start $s))',
      host("f", [], [], () => {
        started++;
        return undefined;
      }),
    );
    assert.equal(started, 1);
    assert.equal(call(instance, "(start)"), 4);
  });
});

test("v8: what a module shares is adopted in another thread, its limit included", async () => {
  const runtime = await create({ type: "v8" });
  const module = await runtime.compile(
    wat('(module (memory (export "memory") 1) (func (export "grow") (result i32) (memory.grow (i32.const 1))))'),
    { memoryLimit: 65536 },
  );
  const worker = new Worker(
    `const { parentPort, workerData } = require("node:worker_threads");
     (async () => {
       const { create } = await import(workerData.registry);
       await import(workerData.engines);
       const runtime = await create({ type: "v8" });
       const { instance } = await runtime.instantiateWithHost(runtime.adopt(workerData.shared), { functions: [] });
       parentPort.postMessage(instance.function("grow").call());
     })();`,
    {
      eval: true,
      workerData: {
        registry: new URL("../registry.ts", import.meta.url).href,
        engines: new URL("../engines.ts", import.meta.url).href,
        shared: module.share?.(),
      },
    },
  );
  const [grown] = (await once(worker, "message")) as [number];
  assert.equal(grown, -1);
  await worker.terminate();
  await runtime.close();
});

test("v8: a trap that is not known keeps the engine's words, and its cause", () => {
  const cause = new WebAssembly.RuntimeError("a trap of a later version");
  const error = fromTrap(cause);
  assert.ok(error instanceof WasmError);
  assert.equal(error.code, "trap");
  assert.match(error.message, /a trap of a later version/);
  assert.equal(error.cause, cause);
});

test("v8: 1000 instances leave nothing behind", async () => {
  const runtime = await create({ type: "v8" });
  await expectFlatMemory(runtime);
  await runtime.close();
});
