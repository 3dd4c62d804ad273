import assert from "node:assert/strict";
import { once } from "node:events";
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Worker } from "node:worker_threads";
import { contractSuite } from "../contract.suite.ts";
import { INTERRUPT_CELLS, type Runtime } from "../contract.ts";
import { featuresSuite } from "../features.suite.ts";
import { capabilitiesOf, create, validate } from "../registry.ts";
import { Bench, call, hasCode, host } from "../testing/bench.ts";
import { expectFlatMemory } from "../testing/cycles.ts";
import { needsEngine } from "../testing/engines.ts";
import { wat } from "../testing/wat.ts";
import "../engines.ts";

const NEEDS = needsEngine("wasmtime");

const { capabilities } = capabilitiesOf({ type: "wasmtime" })!;
const createRuntime = (): Promise<Runtime> => create({ type: "wasmtime" });

contractSuite("wasmtime", capabilities, createRuntime, NEEDS);
featuresSuite("wasmtime", capabilities, createRuntime, NEEDS);

test("wasmtime's options are checked, each with its path", () => {
  const wasmtime = { strategy: "winch", opt_level: 3, fuel: 0, cache_dir: "", librari: "x" };
  assert.deepEqual(
    validate({ type: "wasmtime", wasmtime }).map((issue) => issue.split(": ")[0]),
    ["wasmtime::strategy", "wasmtime::opt_level", "wasmtime::fuel", "wasmtime::cache_dir", "wasmtime::librari"],
  );
  assert.deepEqual(validate({ type: "wasmtime", wasmtime: { strategy: "cranelift", opt_level: "none", fuel: 5 } }), []);
});

test("a library that is not there, or another one, is an error that says so", async () => {
  const make = (library: string): Promise<Runtime> => create({ type: "wasmtime", wasmtime: { library } });
  await assert.rejects(make("/no/such.so"), hasCode("unsupported", /library: there is no file \/no\/such\.so/));
  await assert.rejects(make(import.meta.filename), hasCode("unsupported", /cannot load .*runtime\.test\.ts/));
});

const SPIN = '(module (func (export "spin") (loop $l (br $l))) (func (export "ok") (result i32) (i32.const 7)))';

describe("wasmtime: what it can beyond the contract", NEEDS, () => {
  let bench: Bench;
  before(async () => {
    bench = new Bench(await create({ type: "wasmtime" }));
  });
  after(() => bench.close());

  test("a call that runs past its deadline is ended on its own thread; others on the engine go on", async () => {
    const module = await bench.runtime.compile(wat(SPIN));
    const [late, other] = await Promise.all(
      [{ callTimeout: 50 }, {}].map((options) => bench.runtime.instantiateWithHost(module, { functions: [] }, options)),
    );
    assert.throws(() => call(late!.instance, "spin"), hasCode("deadline"));
    assert.throws(() => call(late!.instance, "ok"), hasCode("deadline"), "the instance is of no use any more");
    assert.equal(call(other!.instance, "ok"), 7);
    for (const { instance } of [late!, other!]) await instance.close();
  });

  test("fuel is for each call, and a call that uses it up is ended", async () => {
    const runtime = await create({ type: "wasmtime", wasmtime: { fuel: 10_000 } });
    assert.equal(runtime.capabilities.fuel, true);
    const { instance } = await runtime.instantiateWithHost(await runtime.compile(wat(SPIN)), { functions: [] });
    assert.throws(() => call(instance, "spin"), hasCode("fuel"));
    for (let n = 0; n < 10_000; n++) assert.equal(call(instance, "ok"), 7);
    await instance.close();
    await runtime.close();
  });

  test("guest and host that call each other without end: a trap, not the end of the process", async () => {
    const again = host("again", [], [], () => {
      call(instance, "f");
      return undefined;
    });
    const instance = await bench.instantiate(
      '(module (import "env" "again" (func $a)) (func (export "f") (call $a)))',
      again,
    );
    assert.throws(() => call(instance, "f"), hasCode("stack_overflow", /32 deep/));
  });

  test("what is read from a closed instance's memory is empty", async () => {
    const instance = await bench.instantiate('(module (memory (export "memory") 1))');
    const bytes = instance.memory!.bytes();
    assert.equal(bytes.length, 65536);
    await instance.close();
    assert.equal(bytes.length, 0);
  });

  test("threads share one compiled module, and one ends the other's call", async () => {
    const module = await bench.runtime.compile(wat(SPIN));
    const cells = new Int32Array(new SharedArrayBuffer(INTERRUPT_CELLS * 4));
    const worker = new Worker(
      `const { parentPort, workerData } = require("node:worker_threads");
       (async () => {
         const { create } = await import(workerData.registry);
         await import(workerData.engines);
         const runtime = await create({ type: "wasmtime" });
         const module = runtime.adopt(workerData.shared);
         const options = { interrupt: workerData.cells };
         const { instance } = await runtime.instantiateWithHost(module, { functions: [] }, options);
         parentPort.postMessage(instance.function("ok").call());
         try { instance.function("spin").call(); } catch (error) { parentPort.postMessage(error.code); }
         await instance.close();
         await runtime.close();
       })();`,
      {
        eval: true,
        workerData: {
          registry: new URL("../registry.ts", import.meta.url).href,
          engines: new URL("../engines.ts", import.meta.url).href,
          shared: module.share?.(),
          cells,
        },
      },
    );
    assert.deepEqual(await once(worker, "message"), [7]);
    bench.runtime.interrupt!(cells);
    assert.deepEqual(await once(worker, "message"), ["deadline"]);
    await once(worker, "exit");
  });

  test("what was compiled is kept on disk, for this engine with these options; what is damaged is compiled anew", async () => {
    const folder = await mkdtemp(join(tmpdir(), "otelwasm-"));
    const cache_dir = join(folder, "cache");
    const text = `(module (func (export "f") (result i32) (i32.const 5)))`;
    const run = async (options: object): Promise<string[]> => {
      const runtime = await create({ type: "wasmtime", wasmtime: { cache_dir, ...options } });
      const { instance } = await runtime.instantiateWithHost(await runtime.compile(wat(text)), { functions: [] });
      assert.equal(call(instance, "f"), 5);
      await instance.close();
      await runtime.close();
      return (await readdir(cache_dir)).sort();
    };
    const [first, ...others] = await run({});
    assert.deepEqual(others, []);
    const path = join(cache_dir, first!);
    const { mtimeMs } = await stat(path);
    assert.deepEqual(await run({}), [first]);
    assert.equal((await stat(path)).mtimeMs, mtimeMs, "it was not written again");
    assert.equal((await run({ opt_level: "none" })).length, 2);
    const good = await readFile(path);
    for (const damaged of [good.subarray(0, 40), Buffer.alloc(0), Buffer.from(good.with(good.length - 1, 99))]) {
      await writeFile(path, damaged);
      await run({});
      assert.deepEqual(await readFile(path), good);
    }
    await chmod(cache_dir, 0o777);
    await assert.rejects(run({}), hasCode("unsupported", /cache_dir: others may write/));
    await rm(folder, { recursive: true });
  });

  test("1000 instances leave nothing behind", () => expectFlatMemory(bench.runtime));
});
