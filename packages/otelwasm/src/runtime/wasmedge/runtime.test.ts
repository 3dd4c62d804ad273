import assert from "node:assert/strict";
import { once } from "node:events";
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Worker } from "node:worker_threads";
import { contractSuite } from "../contract.suite.ts";
import type { ModuleInstance, Runtime } from "../contract.ts";
import { featuresSuite } from "../features.suite.ts";
import { capabilitiesOf, create, type RuntimeConfig } from "../registry.ts";
import { Bench, call, hasCode, host } from "../testing/bench.ts";
import { inOwnProcess } from "../testing/own-process.ts";
import { wat } from "../testing/wat.ts";
import "../engines.ts";

const INTERPRETER: RuntimeConfig = { type: "wasmedge" };

await inOwnProcess("wasmedge", import.meta.filename, () => {
  const createRuntime = (): Promise<Runtime> => create(INTERPRETER);
  const { capabilities } = capabilitiesOf(INTERPRETER)!;
  contractSuite("wasmedge", capabilities, createRuntime);
  featuresSuite("wasmedge", capabilities, createRuntime);
  describe("wasmedge: what is its own", () => ownTests(createRuntime));
  describe("wasmedge, compiled", () => compiledTests());
});

function ownTests(createRuntime: () => Promise<Runtime>): void {
  let bench: Bench;
  before(async () => {
    bench = new Bench(await createRuntime());
  });
  after(() => bench.close());

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

  test("recursion through host functions, and in a start function, is a trap like any other", async () => {
    const caught: unknown[] = [];
    const holder: { instance?: ModuleInstance } = {};
    const down = host("down", ["i32"], ["i32"], (_memory, left) => {
      try {
        if ((left as number) > 0) call(holder.instance!, "down", (left as number) - 1);
        else call(holder.instance!, "recurse");
      } catch (error) {
        caught.push(error);
      }
      return 0;
    });
    holder.instance = await bench.instantiate(
      `(module (import "env" "down" (func $down (param i32) (result i32)))
        (func $f (export "recurse") (call $f) (call $f))
        (func $nested (export "nested") (param i32) (result i32)
          (if (result i32) (i32.eqz (local.get 0)) (then (call $down (i32.const 3)))
            (else (call $nested (i32.sub (local.get 0) (i32.const 1))))))
        (func (export "down") (param i32) (result i32) (call $down (local.get 0))))`,
      down,
    );
    // Each time as deep as the time before: what a trap left behind is not counted, nor what is under way forgotten.
    for (let n = 0; n < 3; n++) {
      assert.equal(call(holder.instance, "nested", 20_000), 0);
      assert.equal(caught.length, n + 1);
      hasCode("stack_overflow")(caught[n]);
      assert.throws(() => call(holder.instance!, "nested", 1_000_000), hasCode("stack_overflow"));
    }
    await assert.rejects(
      bench.instantiate("(module (func $f (call $f) (call $f)) (start $f))"),
      hasCode("stack_overflow"),
    );
  });

  test("the process cannot take all memory of the machine", async () => {
    await bench.instantiate('(module (memory 1) (func (export "f")))');
    const bytes = /Max data size +([0-9]+)/.exec(await readFile("/proc/self/limits", "utf8"))?.[1];
    assert.ok(Number(bytes) > 2 ** 32 && Number(bytes) < 2 ** 35, `${bytes} bytes`);
  });

  test("what is read from a closed instance's memory is empty", async () => {
    const instance = await bench.instantiate('(module (memory (export "memory") 1))');
    const bytes = instance.memory!.bytes();
    assert.equal(bytes.length, 65536);
    await instance.close();
    assert.equal(bytes.length, 0);
  });

  test("machine code that a module brings with it is not run", async () => {
    const runtime = await create(INTERPRETER);
    const { instance } = await runtime.instantiateWithHost(await runtime.compile(withForeignCode()), { functions: [] });
    assert.equal(call(instance, "f"), 5);
    await instance.close();
    await runtime.close();
  });

  test("threads share one compiled module", async () => {
    const module = await bench.runtime.compile(wat('(module (func (export "f") (result i32) (i32.const 7)))'));
    const worker = new Worker(
      `const { parentPort, workerData } = require("node:worker_threads");
       (async () => {
         const { create } = await import(workerData.registry);
         await import(workerData.engines);
         const runtime = await create({ type: "wasmedge" });
         const { instance } = await runtime.instantiateWithHost(runtime.adopt(workerData.shared), { functions: [] });
         parentPort.postMessage(instance.function("f").call());
         await instance.close();
         await runtime.close();
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
    assert.deepEqual(await once(worker, "message"), [7]);
    await once(worker, "exit");
    assert.equal(call(await bench.instantiateModule(module), "f"), 7, "which the other has not taken with it");
  });

  test("modules and instances by the thousand leave nothing behind", async () => {
    const binary = wat(
      '(module (import "env" "f" (func $f)) (memory (export "memory") 1) (func (export "g") (call $f)))',
    );
    const threads = async (): Promise<number> => (await readdir("/proc/self/task")).length;
    const cycle = async (times: number): Promise<void> => {
      for (let n = 0; n < times; n++) {
        const module = await bench.runtime.compile(binary);
        const functions = [host("f", [], [], () => undefined)];
        const { instance, context } = await bench.runtime.instantiateWithHost(module, { functions });
        call(instance, "g");
        instance.memory!.write(0, Uint8Array.of(1));
        await instance.close();
        await context.close();
        await module.close();
      }
    };
    await cycle(200);
    const [rss, count] = [process.memoryUsage.rss(), await threads()];
    await cycle(1000);
    const grown = process.memoryUsage.rss() - rss;
    assert.ok(grown < 32 * 2 ** 20, `${grown} bytes more`);
    assert.equal(await threads(), count);
  });
}

/** A module with a section as the engine's own compiler makes it, with something else in it. */
function withForeignCode(): Uint8Array {
  const binary = wat('(module (func (export "f") (result i32) (i32.const 5)))');
  const section = [8, ...new TextEncoder().encode("wasmedge"), 1, 2, 3, 4];
  return Uint8Array.of(...binary, 0, section.length, ...section);
}

function compiledTests(): void {
  let folder: string;
  let config: RuntimeConfig;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "otelwasm-"));
    config = { type: "wasmedge", wasmedge: { mode: "aot", opt_level: 0, cache_dir: join(folder, "cache") } };
  });
  after(() => rm(folder, { recursive: true }));

  const { capabilities } = capabilitiesOf({ type: "wasmedge", wasmedge: { mode: "aot" } })!;
  contractSuite("wasmedge, compiled", capabilities, () => create(config));
  featuresSuite("wasmedge, compiled", capabilities, () => create(config));

  const FIVE = '(module (func (export "f") (result i32) (i32.const 5)))';

  test("what was compiled is kept on disk, for these options; what is damaged is compiled anew", async () => {
    const cache_dir = join(folder, "own");
    const run = async (options: object): Promise<string[]> => {
      const runtime = await create({
        type: "wasmedge",
        wasmedge: { mode: "aot", opt_level: 0, cache_dir, ...options },
      });
      const { instance } = await runtime.instantiateWithHost(await runtime.compile(wat(FIVE)), { functions: [] });
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
    assert.equal((await run({ opt_level: 1 })).length, 2);
    const good = await readFile(path);
    for (const damaged of [good.subarray(0, 40), Buffer.alloc(0), Buffer.from(good.with(good.length - 1, 99))]) {
      await writeFile(path, damaged);
      await run({});
      assert.notDeepEqual(await readFile(path), damaged);
    }
    await chmod(cache_dir, 0o777);
    await assert.rejects(run({}), hasCode("unsupported", /cache_dir: others may write/));
  });

  test("machine code that a module brings with it is not run", async () => {
    const runtime = await create(config);
    const { instance } = await runtime.instantiateWithHost(await runtime.compile(withForeignCode()), { functions: [] });
    assert.equal(call(instance, "f"), 5);
    await instance.close();
    await runtime.close();
  });
}
