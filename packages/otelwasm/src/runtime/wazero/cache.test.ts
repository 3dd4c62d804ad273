import assert from "node:assert/strict";
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { ModuleCache } from "../native/module-cache.ts";
import { create } from "../registry.ts";
import { call, hasCode, host } from "../testing/bench.ts";
import { needsEngine } from "../testing/engines.ts";
import { wat } from "../testing/wat.ts";
import "../engines.ts";
import { compileCached } from "./cache.ts";

const TEXT = `(module (import "env" "f" (func $f (result i32))) (memory (export "memory") 1)
  (func (export "g") (result i32) (i32.add (call $f) (i32.const 2))) (func (export "spin") (loop $l (br $l))))`;

describe("wazero: machine code on disk", needsEngine("wazero"), () => {
  let folder: string;
  let cache_dir: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "otelwasm-"));
    cache_dir = join(folder, "a/cache");
  });
  afterEach(() => rm(folder, { recursive: true }));

  async function run(options: object = {}, text = TEXT): Promise<string[]> {
    const runtime = await create({ type: "wazero", wazero: { cache_dir, ...options } });
    try {
      const module = await runtime.compile(wat(text));
      const functions = [host("f", [], ["i32"], () => 40)];
      const { instance } = await runtime.instantiateWithHost(module, { functions });
      assert.equal(call(instance, "g"), 42);
      await instance.close();
      if (runtime.capabilities.deadline) {
        const spinning = await runtime.instantiateWithHost(module, { functions }, { callTimeout: 1 });
        assert.throws(() => call(spinning.instance, "spin"), hasCode("deadline"));
        await spinning.instance.close();
      }
      return (await readdir(cache_dir)).sort();
    } finally {
      await runtime.close();
    }
  }

  test("it is written once, for each module and each way to compile it", async () => {
    const [first, ...others] = await run();
    assert.deepEqual(others, []);
    const { mtimeMs } = await stat(join(cache_dir, first!));
    assert.deepEqual(await run(), [first]);
    assert.equal((await stat(join(cache_dir, first!))).mtimeMs, mtimeMs);
    assert.equal((await run({ interruptible: false })).length, 2);
    assert.equal((await run({}, TEXT.replace("(memory", "(table 1 funcref) (memory"))).length, 3);
  });

  test("what is torn, empty, longer or changed is compiled anew, and written", async () => {
    const [name] = await run();
    const path = join(cache_dir, name!);
    const good = await readFile(path);
    const middle = good.length >> 1;
    for (const damaged of [
      good.subarray(0, middle),
      Buffer.alloc(0),
      Buffer.alloc(good.length),
      Buffer.concat([good, good]),
      Buffer.from(good.with(middle, good[middle]! ^ 1)),
      Buffer.from(good.with(3, good[3]! ^ 1)),
    ]) {
      await writeFile(path, damaged);
      await run();
      assert.deepEqual(await readFile(path), good);
    }
  });

  test("wazero finds its file where it left it", async () => {
    const cache = new ModuleCache(cache_dir, { engine: "wazero", version: "0", options: {} });
    const files = async (in_: string): Promise<string[]> =>
      (await readdir(in_, { recursive: true, withFileTypes: true })).filter((e) => e.isFile()).map((e) => e.name);
    const seen: string[][] = [];
    const compile = async (where: string): Promise<string> => {
      seen.push(await files(where));
      if (seen.length === 1) await writeFile(join(where, "0123"), "code");
      return where;
    };
    const places = [await compileCached(cache, wat(TEXT), compile), await compileCached(cache, wat(TEXT), compile)];
    assert.deepEqual(seen, [[], ["0123"]]);
    for (const place of places) await assert.rejects(stat(place), { code: "ENOENT" });
  });

  test("a module that is refused, and files of which wazero makes nothing", async () => {
    await assert.rejects(run({}, "(module (memory 1 1 shared))"), hasCode("unsupported", /threads/));
    assert.deepEqual(await readdir(cache_dir), []);
    const cache = new ModuleCache(cache_dir, { engine: "wazero", version: "0", options: {} });
    const tried: boolean[] = [];
    const compile = async (where: string): Promise<number> => {
      tried.push(where !== "");
      if (where !== "") throw new Error("no space left on device");
      return 5;
    };
    assert.equal(await compileCached(cache, wat(TEXT), compile), 5);
    assert.deepEqual(tried, [true, false]);
  });

  test("a folder that others may write to is refused", async () => {
    await run();
    await chmod(cache_dir, 0o777);
    await assert.rejects(run(), hasCode("unsupported", /cache_dir: others may write/));
  });
});
