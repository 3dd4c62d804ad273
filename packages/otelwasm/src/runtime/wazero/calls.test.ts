/** How calls end, and what is left of them. */
import assert from "node:assert/strict";
import { on, once } from "node:events";
import { after, before, describe, test } from "node:test";
import { Worker } from "node:worker_threads";
import { INTERRUPT_CELLS, type ModuleInstance } from "../contract.ts";
import { create, type RuntimeConfig } from "../registry.ts";
import { Bench, call, hasCode, host } from "../testing/bench.ts";
import { needsEngine } from "../testing/engines.ts";
import { wat } from "../testing/wat.ts";
import "../engines.ts";
import { type Counts, wazeroLibrary } from "./library.ts";

const NEEDS = needsEngine("wazero");

/** Ways not to return. */
const ENDLESS = `(module (import "env" "f" (func $f)) (memory (export "memory") 1000) (table $t 100000 funcref)
  (func (export "a loop") (loop $l (br $l)))
  (func (export "a loop that calls the host") (loop $l (call $f) (br $l)))
  (func $fib (export "fib") (param i32) (result i32)
    (if (result i32) (i32.lt_u (local.get 0) (i32.const 2)) (then (i32.const 1))
      (else (i32.add (call $fib (i32.sub (local.get 0) (i32.const 1))) (call $fib (i32.sub (local.get 0) (i32.const 2)))))))
  (func (export "recursion that is not deep") (drop (call $fib (i32.const 90))))
  (func $tail (export "tail calls") (return_call $tail))
  (func (export "memory.fill") (loop $l (memory.fill (i32.const 0) (i32.const 1) (i32.const 65536000)) (br $l)))
  (func (export "memory.copy") (loop $l (memory.copy (i32.const 0) (i32.const 1) (i32.const 65535000)) (br $l)))
  (func (export "table.fill") (loop $l (table.fill $t (i32.const 0) (ref.null func) (i32.const 100000)) (br $l)))
  (func (export "memory.grow") (loop $l (drop (memory.grow (i32.const -1))) (br $l)))
  (func (export "ok") (result i32) (i32.const 7)))`;
const WAYS = [
  "a loop",
  "a loop that calls the host",
  "recursion that is not deep",
  "tail calls",
  "memory.fill",
  "memory.copy",
  "table.fill",
  "memory.grow",
];
const NOTHING = host("f", [], [], () => undefined);

/** A worker that adopts a module, says `ready`, and then calls. */
function guestThread(
  shared: unknown,
  cells: Int32Array,
  name: string,
  config: RuntimeConfig,
  closes = true,
  hostCode = "undefined",
): { readonly worker: Worker; readonly exit: Promise<unknown>; next(): Promise<unknown> } {
  const worker = new Worker(
    `const { parentPort, workerData } = require("node:worker_threads");
     (async () => {
       const { create } = await import(workerData.registry);
       await import(workerData.engines);
       const runtime = await create(workerData.config);
       const module = runtime.adopt(workerData.shared);
       let calls = 0;
       const run = () => {
         if (calls++ === 0 && !workerData.closes) parentPort.postMessage("in the host");
         ${hostCode};
       };
       const functions = [{ moduleName: "env", functionName: "f", params: [], results: [], function: run }];
       const made = await runtime.instantiateWithHost(module, { functions }, { interrupt: workerData.cells });
       parentPort.postMessage(made.instance.function("ok").call());
       try { made.instance.function(workerData.name).call(); } catch (error) { parentPort.postMessage(error.code); }
       if (!workerData.closes) return setInterval(() => {}, 1000);
       await made.instance.close();
       await made.context.close();
       await runtime.close();
     })();`,
    {
      eval: true,
      workerData: {
        registry: new URL("../registry.ts", import.meta.url).href,
        engines: new URL("../engines.ts", import.meta.url).href,
        shared,
        cells,
        name,
        config,
        closes,
      },
    },
  );
  const messages = on(worker, "message") as AsyncIterator<[unknown]>;
  return { worker, exit: once(worker, "exit"), next: async () => (await messages.next()).value[0] };
}

function newCells(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(INTERRUPT_CELLS * 4));
}

for (const mode of ["compiled", "interpreter"] as const)
  describe(`wazero, ${mode}: calls that do not return`, NEEDS, () => {
    const config = { type: "wazero", wazero: { mode } };
    let bench: Bench;
    before(async () => {
      bench = new Bench(await create(config));
    });
    after(() => bench.close());

    for (const way of WAYS) {
      test(`${way}: the deadline of the call ends it`, async () => {
        const module = await bench.runtime.compile(wat(ENDLESS));
        const { instance } = await bench.runtime.instantiateWithHost(
          module,
          { functions: [NOTHING] },
          { callTimeout: 20 },
        );
        assert.equal(call(instance, "ok"), 7);
        assert.throws(() => call(instance, way), hasCode("deadline"));
        assert.throws(() => call(instance, "ok"), hasCode("deadline"), "the instance is of no use any more");
        await instance.close();
      });

      test(`${way}: another thread ends it`, async () => {
        const module = await bench.runtime.compile(wat(ENDLESS));
        const cells = newCells();
        const { exit, next } = guestThread(module.share?.(), cells, way, config);
        assert.equal(await next(), 7);
        const ended = next();
        bench.runtime.interrupt!(cells);
        assert.equal(await ended, "deadline");
        await exit;
      });
    }

    test("a deadline is that of each call, not of all", async () => {
      const module = await bench.runtime.compile(wat(ENDLESS));
      const { instance } = await bench.runtime.instantiateWithHost(
        module,
        { functions: [NOTHING] },
        { callTimeout: 1000 },
      );
      const until = performance.now() + 1200;
      while (performance.now() < until) assert.equal(call(instance, "ok"), 7);
      await instance.close();
    });

    test("what is to be interrupted before it is made ends at its first call", async () => {
      const module = await bench.runtime.compile(wat(ENDLESS));
      const interrupt = newCells();
      bench.runtime.interrupt!(interrupt);
      const made = await bench.runtime.instantiateWithHost(module, { functions: [NOTHING] }, { interrupt });
      assert.throws(() => call(made.instance, "ok"), hasCode("deadline"));
      await made.instance.close();
      const spinning = await bench.runtime.compile(wat("(module (func $s (loop $l (br $l))) (start $s))"));
      const started = bench.runtime.instantiateWithHost(spinning, { functions: [] }, { callTimeout: 20 });
      await assert.rejects(started, hasCode("deadline"), "a start function is a call, too");
    });
  });

describe("wazero: threads", NEEDS, () => {
  let bench: Bench;
  const config = { type: "wazero" };
  const counts = (): Counts => wazeroLibrary(undefined).counts();
  before(async () => {
    bench = new Bench(await create(config));
  });
  after(() => bench.close());

  test("guests that spin keep nobody else from running, compiling or collecting garbage", async () => {
    const module = await bench.runtime.compile(wat(ENDLESS));
    const guests = Array.from({ length: 4 }, () => {
      const cells = newCells();
      return { cells, ...guestThread(module.share?.(), cells, "a loop", config) };
    });
    for (const { next } of guests) assert.equal(await next(), 7);
    const ended = guests.map(({ next }) => next());
    // Enough for Go's collector to run several times: it stops all of its threads each time.
    const functions = Array.from(
      { length: 500 },
      (_, index) => `(func (export "f${index}") (result i32) (i32.const ${index}))`,
    );
    for (let round = 0; round < 5; round++) {
      const other = await bench.runtime.compile(wat(`(module ${functions.join("")})`));
      assert.equal(call(await bench.instantiateModule(other), "f499"), 499);
      await other.close();
    }
    for (const { cells } of guests) bench.runtime.interrupt!(cells);
    assert.deepEqual(
      await Promise.all(ended),
      guests.map(() => "deadline"),
    );
    await Promise.all(guests.map(({ exit }) => exit));
  });

  test("a worker that is terminated leaves nothing", async () => {
    const module = await bench.runtime.compile(wat(ENDLESS));
    const before = counts();
    for (let round = 0; round < 3; round++) {
      const { worker, next } = guestThread(module.share?.(), newCells(), "ok", config, false);
      assert.equal(await next(), 7);
      assert.equal(counts().instances, before.instances + 1);
      await worker.terminate();
      assert.deepEqual(
        { ...counts(), goroutines: before.goroutines },
        before,
        "what it had is freed by whoever calls next",
      );
    }
  });

  test("a worker that is terminated in a host function, or in a guest that calls one, ends", async () => {
    const module = await bench.runtime.compile(wat(ENDLESS));
    const before = counts();
    for (const wait of ["Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)", "for (;;);", "undefined"]) {
      const { worker, next, exit } = guestThread(
        module.share?.(),
        newCells(),
        "a loop that calls the host",
        config,
        false,
        wait,
      );
      assert.equal(await next(), 7);
      assert.equal(await next(), "in the host");
      await worker.terminate();
      await exit;
      assert.equal(counts().instances, before.instances);
    }
  });

  test("V8's traps are V8's, in a thread that runs both, and inside of a host function", async () => {
    const v8 = await create({ type: "v8" });
    const traps = wat(`(module (memory 1) (func (export "load") (drop (i32.load (i32.const 655360))))
      (func $r (export "recursion") (call $r)))`);
    const { instance: inside } = await v8.instantiateWithHost(await v8.compile(traps), { functions: [] });
    const expectTraps = (instance: ModuleInstance): void => {
      assert.throws(() => call(instance, "load"), hasCode("out_of_bounds"));
      assert.throws(() => call(instance, "recursion"), hasCode("stack_overflow"));
    };
    const outside = await bench.instantiate(
      `(module (import "env" "f" (func $f)) (memory 1) (func (export "f") (call $f)) (func (export "load") (drop (i32.load (i32.const 655360))))
        (func $r (export "recursion") (call $r) (call $r)))`,
      host("f", [], [], () => {
        expectTraps(inside);
        expectTraps(outside);
        return undefined;
      }),
    );
    for (let round = 0; round < 20; round++) {
      expectTraps(inside);
      call(outside, "f");
      expectTraps(outside);
    }
    await inside.close();
    await v8.close();
  });

  test("1000 instances and their calls leave nothing behind", async () => {
    const module = await bench.runtime.compile(
      wat(`(module (import "env" "f" (func $f)) (memory (export "memory") 1 100) (func (export "g") (call $f))
        (func (export "grow") (result i32) (memory.grow (i32.const 10))) (func $r (export "r") (call $r) (call $r)))`),
    );
    const cycle = async (times: number): Promise<void> => {
      for (let n = 0; n < times; n++) {
        const { instance, context } = await bench.runtime.instantiateWithHost(
          module,
          { functions: [NOTHING] },
          { callTimeout: 10_000 },
        );
        call(instance, "g");
        call(instance, "grow");
        instance.memory!.bytes().fill(1);
        if (n % 50 === 0) assert.throws(() => call(instance, "r"), hasCode("stack_overflow"));
        await instance.close();
        await context.close();
      }
    };
    await cycle(100);
    const [before, rss] = [counts(), process.memoryUsage().rss];
    await cycle(1000);
    assert.deepEqual(counts(), before);
    const grown = process.memoryUsage().rss - rss;
    assert.ok(grown < 64 * 2 ** 20, `${grown} bytes more`);
  });

  test("100 runtimes with a module each leave nothing behind", async () => {
    const before = counts();
    const binary = wat(ENDLESS);
    for (let n = 0; n < 100; n++) {
      const runtime = await create(config);
      const module = await runtime.compile(binary);
      const { instance } = await runtime.instantiateWithHost(module, { functions: [NOTHING] });
      assert.equal(call(instance, "ok"), 7);
      if (n % 2 === 0) await instance.close();
      await runtime.close();
      if (n % 2 === 1) await instance.close();
    }
    assert.deepEqual(counts(), before);
  });
});

describe("wazero: what guests and hosts do to each other", NEEDS, () => {
  let bench: Bench;
  before(async () => {
    bench = new Bench(await create({ type: "wazero" }));
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

  test("a call inside a call has frames of its own, and its results are not the other's", async () => {
    const sum = host("sum", ["i32", "i64"], ["i64"], (_memory, depth, total) =>
      depth === 0 ? total : (call(instance, "f", (depth as number) - 1, (total as bigint) + 1n) as bigint) * 2n,
    );
    const instance = await bench.instantiate(
      `(module (import "env" "sum" (func $sum (param i32 i64) (result i64)))
        (func (export "f") (param i32 i64) (result i64) (i64.sub (call $sum (local.get 0) (local.get 1)) (local.get 1))))`,
      sum,
    );
    const expected = (depth: number, total: bigint): bigint =>
      (depth === 0 ? total : expected(depth - 1, total + 1n) * 2n) - total;
    for (let depth = 0; depth < 20; depth++) assert.equal(call(instance, "f", depth, 5n), expected(depth, 5n));
  });

  test("a host function that fails after calls that did not, at each depth", async () => {
    const mine = new Error("mine");
    const fail = host("fail", ["i32"], [], (_memory, depth) => {
      if (depth === 0) return undefined;
      call(instance, "f", (depth as number) - 1);
      throw mine;
    });
    const instance = await bench.instantiate(
      '(module (import "env" "fail" (func $fail (param i32))) (func (export "f") (param i32) (call $fail (local.get 0))))',
      fail,
    );
    call(instance, "f", 0);
    assert.throws(
      () => call(instance, "f", 1),
      (error) => error === mine,
    );
    call(instance, "f", 0);
  });

  test("an instance that its own host function closes ends with its call", async () => {
    const close = host("close", [], [], () => {
      void instance.close();
      return undefined;
    });
    const instance = await bench.instantiate(
      `(module (import "env" "close" (func $close)) (memory (export "memory") 1)
        (func (export "f") (result i32) (call $close) (i32.load (i32.const 0))))`,
      close,
    );
    const { memory } = instance;
    const bytes = memory!.bytes();
    assert.throws(() => call(instance, "f"), hasCode("closed"));
    assert.equal(bytes.length, 0, "what was read from it is empty");
    assert.throws(() => call(instance, "f"), hasCode("closed"));
  });

  test("imports from a module without a name, and under names of any characters", async () => {
    const said: string[] = [];
    const functions = [
      ["", ""],
      ["", "x"],
      ["host 0", "ü\0✓"],
    ].map(([moduleName, functionName]) => ({
      ...host(functionName!, [], [], () => {
        said.push(`${moduleName}.${functionName}`);
        return undefined;
      }),
      moduleName: moduleName!,
    }));
    const instance = await bench.instantiate(
      `(module (import "host 0" "\\c3\\bc\\00\\e2\\9c\\93" (func $c)) (import "" "x" (func $b)) (import "" "" (func $a))
        (func (export "f") (call $a) (call $b) (call $c)))`,
      ...functions,
    );
    call(instance, "f");
    assert.deepEqual(said, [".", ".x", "host 0.ü\0✓"]);
  });
});
