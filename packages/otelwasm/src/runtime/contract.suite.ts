/**
 * What every engine does, in the same words: called with a factory by each engine's `runtime.test.ts`. Features that not every
 * engine has (garbage collection, exceptions, atomics) are tested beside the engine.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { HostFunction, Runtime, RuntimeCapabilities } from "./contract.ts";
import { memoryTests, valueTests } from "./contract-data.suite.ts";
import { trapTests } from "./contract-traps.suite.ts";
import { Bench, call, hasCode, host } from "./testing/bench.ts";
import { wat } from "./testing/wat.ts";

export function contractSuite(
  name: string,
  capabilities: RuntimeCapabilities,
  createRuntime: () => Promise<Runtime>,
  options: { readonly skip?: string } = {},
): void {
  describe(`${name}: runtime contract`, options, () => {
    let bench: Bench;
    before(async () => {
      bench = new Bench(await createRuntime());
    });
    after(() => bench.close());

    describe("modules", () => moduleTests(() => bench));
    describe("linking", () => linkTests(() => bench));
    describe("values", () => valueTests(() => bench));
    describe("memory", () => memoryTests(() => bench));
    describe("traps", () => trapTests(() => bench, capabilities));
    if (capabilities.memoryLimit) describe("memory limit", () => memoryLimitTests(() => bench));
    describe("closing", () => closingTests(createRuntime));
  });
}

function moduleTests(bench: () => Bench): void {
  test("compile tells imports and exports with their types", async () => {
    const module = await bench().runtime.compile(
      wat(
        '(module (import "env" "f" (func (param i32) (result i64))) (memory (export "memory") 1 3) (func (export "g") (param f32)))',
      ),
    );
    assert.deepEqual(module.imports, [
      { module: "env", name: "f", kind: "function", type: { params: ["i32"], results: ["i64"] } },
    ]);
    assert.deepEqual(module.exports, [
      { name: "memory", kind: "memory", type: { minimum: 1, maximum: 3, shared: false, index64: false } },
      { name: "g", kind: "function", type: { params: ["f32"], results: [] } },
    ]);
  });

  test("what is not valid is invalid_module", async () => {
    const { runtime } = bench();
    await assert.rejects(runtime.compile(new Uint8Array(0)), hasCode("invalid_module"));
    await assert.rejects(runtime.compile(new TextEncoder().encode("plain text")), hasCode("invalid_module"));
    const truncated = wat('(module (func (export "f") (result i32) (i32.const 1)))').slice(0, -3);
    await assert.rejects(runtime.compile(truncated), hasCode("invalid_module"));
    // A body whose types do not match is for the engine to see: (func (result i32)) that leaves nothing.
    const mistyped = Uint8Array.of(
      ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 5, 1, 0x60, 0, 1, 0x7f],
      ...[3, 2, 1, 0, 10, 4, 1, 2, 0, 0x0b],
    );
    await assert.rejects(runtime.compile(mistyped), hasCode("invalid_module"));
  });

  test("a component is refused as unsupported", async () => {
    const component = Uint8Array.of(0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0);
    await assert.rejects(bench().runtime.compile(component), hasCode("unsupported", /component/));
  });

  test("the binary may be a part of a larger buffer, and may be reused afterwards", async () => {
    const binary = wat('(module (func (export "f") (result i32) (i32.const 5)))');
    const larger = new Uint8Array(binary.length + 20);
    larger.set(binary, 10);
    const module = await bench().runtime.compile(larger.subarray(10, 10 + binary.length));
    larger.fill(0);
    assert.equal(call(await bench().instantiateModule(module), "f"), 5);
  });

  test("instances of one module share nothing", async () => {
    const module = await bench().runtime.compile(
      wat(
        '(module (global $n (mut i32) (i32.const 0)) (func (export "next") (result i32) (global.set $n (i32.add (global.get $n) (i32.const 1))) (global.get $n)))',
      ),
    );
    const [a, b] = [await bench().instantiateModule(module), await bench().instantiateModule(module)];
    assert.deepEqual([call(a, "next"), call(a, "next"), call(b, "next")], [1, 2, 1]);
  });

  test("exports that are not there are undefined, whatever their name", async () => {
    const instance = await bench().instantiate(
      '(module (memory (export "other") 1) (global (export "g") i32 (i32.const 1)))',
    );
    for (const missing of ["nope", "g", "other", "toString", "__proto__"])
      assert.equal(instance.function(missing), undefined);
    assert.equal(instance.memory, undefined);
  });

  test("_initialize is left to the caller", async () => {
    const instance = await bench().instantiate(
      '(module (global $n (mut i32) (i32.const 0)) (func (export "_initialize") (global.set $n (i32.const 9))) (func (export "n") (result i32) (global.get $n)))',
    );
    assert.equal(call(instance, "n"), 0);
    call(instance, "_initialize");
    assert.equal(call(instance, "n"), 9);
  });

  test("a start function runs once, and its host functions see the initialised memory", async () => {
    const seen: string[] = [];
    const say = host("say", ["i32", "i32"], [], (memory, pointer, size) => {
      seen.push(Buffer.from(memory.read(pointer as number, size as number)).toString());
      memory.write(0, Uint8Array.of(77));
      return undefined;
    });
    const instance = await bench().instantiate(
      `(module (import "env" "say" (func $say (param i32 i32))) (memory (export "memory") 1)
        (data (i32.const 16) "hello") (func $s (call $say (i32.const 16) (i32.const 5))) (start $s))`,
      say,
    );
    assert.deepEqual(seen, ["hello"]);
    assert.equal(instance.memory!.bytes()[0], 77);
    assert.equal(instance.function("(start)"), undefined, "what the adapter needs stays hidden");
  });

  test("a start function that traps, and one whose host function throws", async () => {
    await assert.rejects(bench().instantiate("(module (func $s unreachable) (start $s))"), hasCode("unreachable"));
    const thrown = new Error("from the host");
    const refuse = host("refuse", [], [], () => {
      throw thrown;
    });
    await assert.rejects(
      bench().instantiate('(module (import "env" "refuse" (func $r)) (func $s (call $r)) (start $s))', refuse),
      (error) => error === thrown,
    );
    await assert.rejects(
      bench().instantiate('(module (import "env" "refuse" (func $r)) (func $s unreachable) (start $s))', refuse),
      hasCode("unreachable"),
    );
  });

  test("segments that do not fit trap", async () => {
    await assert.rejects(
      bench().instantiate('(module (memory 1) (data (i32.const 65535) "ab"))'),
      hasCode("out_of_bounds"),
    );
    await assert.rejects(
      bench().instantiate("(module (table 1 funcref) (func $f) (elem (i32.const 1) $f))"),
      hasCode("table_out_of_bounds"),
    );
  });
}

function linkTests(bench: () => Bench): void {
  test("a link error lists every import that is missing or has another type", async () => {
    const module = `(module
      (import "env" "missing" (func (param i32) (result i64)))
      (import "env" "missing" (func (param i32) (result i64)))
      (import "other" "typed" (func))
      (import "env" "typed" (func (param i64)))
      (import "env" "memory" (memory 1))
      (import "env" "table" (table 1 funcref))
      (import "env" "global" (global i32))
      (import "env" "fine" (func)))`;
    const functions = [host("typed", ["i32"], [], () => undefined), host("fine", [], [], () => undefined)];
    await assert.rejects(bench().instantiate(module, ...functions), (error) => {
      hasCode("link")(error);
      assert.equal(
        (error as Error).message,
        [
          "the module cannot be linked: env.missing (i32) -> (i64) is not offered by the host",
          "other.typed () -> () is not offered by the host",
          "env.typed is imported as (i64) -> (), but is (i32) -> ()",
          "env.memory is a memory, but the host offers functions only",
          "env.table is a table, but the host offers functions only",
          "env.global is a global, but the host offers functions only",
        ].join("; "),
      );
      return true;
    });
  });

  test("a host function offered twice is an error", async () => {
    const twice = [host("f", [], [], () => undefined), host("f", [], [], () => undefined)];
    await assert.rejects(bench().instantiate("(module)", ...twice), hasCode("link", /env\.f twice/));
  });

  test("the same import may stand several times, and names may be any text", async () => {
    let calls = 0;
    const odd: HostFunction = {
      moduleName: "__proto__",
      functionName: "constructor",
      params: [],
      results: [],
      function: () => {
        calls++;
        return undefined;
      },
    };
    const instance = await bench().instantiate(
      '(module (import "__proto__" "constructor" (func $a)) (import "__proto__" "constructor" (func $b)) (func (export "f") (call $a) (call $b)))',
      odd,
    );
    call(instance, "f");
    assert.equal(calls, 2);
  });

  test("an option that the engine has no capability for is refused", async () => {
    const { runtime } = bench();
    const module = await runtime.compile(wat("(module)"));
    if (!runtime.capabilities.memoryLimit)
      await assert.rejects(
        runtime.compile(wat("(module)"), { memoryLimit: 1 << 20 }),
        hasCode("unsupported", /memory limit/),
      );
    if (!runtime.capabilities.deadline)
      await assert.rejects(
        runtime.instantiateWithHost(module, { functions: [] }, { callTimeout: 100 }),
        hasCode("unsupported", /deadline/),
      );
  });
}

/** Only engines whose capabilities say so limit memory; the others refuse the option, which a test above holds them to. */
function memoryLimitTests(bench: () => Bench): void {
  const PAGE = 65536;
  const grow = '(func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))';
  for (const [name, memory] of [
    ["a memory without a maximum", '(memory (export "memory") 1)'],
    ["a maximum that is higher", '(memory (export "memory") 1 100)'],
  ] as const)
    test(`memory limit: growth beyond fails in the guest: ${name}`, async () => {
      const module = await bench().runtime.compile(wat(`(module ${memory} ${grow})`), { memoryLimit: 3 * PAGE + 7 });
      const instance = await bench().instantiateModule(module);
      assert.equal(call(instance, "grow", 2), 1);
      assert.equal(call(instance, "grow", 1), -1);
      assert.equal(instance.memory!.byteLength, 3 * PAGE);
      const again = await bench().instantiateModule(module);
      assert.equal(call(again, "grow", 2), 1, "each instance has the limit for itself");
    });

  test("memory limit: a lower maximum of the module stays", async () => {
    const module = await bench().runtime.compile(wat(`(module (memory (export "memory") 1 2) ${grow})`), {
      memoryLimit: 100 * PAGE,
    });
    const instance = await bench().instantiateModule(module);
    assert.equal(call(instance, "grow", 2), -1);
    assert.equal(call(instance, "grow", 1), 1);
  });

  test("memory limit: a module that declares more is refused, with both sizes", async () => {
    await assert.rejects(
      bench().runtime.compile(wat("(module (memory 4))"), { memoryLimit: 3 * PAGE }),
      hasCode("memory_limit", /at least 262144 bytes, more than the limit of 196608 bytes/),
    );
  });

  test("memory limit: tables cannot grow without end either", async () => {
    const module = await bench().runtime.compile(
      wat(`(module (table $a 1 funcref) (table $b 1 5 funcref)
        (func (export "grow") (param i32) (result i32) (table.grow $a (ref.null func) (local.get 0)))
        (func (export "other") (param i32) (result i32) (table.grow $b (ref.null func) (local.get 0))))`),
      { memoryLimit: PAGE },
    );
    const instance = await bench().instantiateModule(module);
    assert.equal(call(instance, "grow", 999_990), 1);
    assert.equal(call(instance, "grow", 10), -1);
    assert.equal(call(instance, "other", 4), 1);
    assert.equal(call(instance, "other", 9), -1);
    await assert.rejects(
      bench().runtime.compile(wat("(module (table 2000000 funcref))"), { memoryLimit: PAGE }),
      hasCode("memory_limit", /tables of at least 2000000 elements, more than the limit of 1000000 elements/),
    );
  });

  test("memory limit: each of several tables without a maximum can grow", async () => {
    const module = await bench().runtime.compile(
      wat(`(module (table $a 0 funcref) (table $b 3 funcref)
        (func (export "a") (param i32) (result i32) (table.grow $a (ref.null func) (local.get 0)))
        (func (export "b") (param i32) (result i32) (table.grow $b (ref.null func) (local.get 0))))`),
      { memoryLimit: PAGE },
    );
    const instance = await bench().instantiateModule(module);
    assert.equal(call(instance, "b", 1000), 3);
    assert.equal(call(instance, "a", 1000), 0);
    assert.equal(call(instance, "b", 999_998), -1);
  });

  test("memory limit: one that is more than a memory can have changes nothing", async () => {
    const module = await bench().runtime.compile(wat(`(module (memory (export "memory") 1) ${grow})`), {
      memoryLimit: 2 ** 40,
    });
    const instance = await bench().instantiateModule(module);
    assert.equal(call(instance, "grow", 2), 1);
    assert.equal(call(instance, "grow", 65536), -1);
  });

  test("memory limit: limits that are not valid stay so", async () => {
    for (const [name, section] of [
      ["(memory 0 65537)", [5, 6, 1, 1, 0, 0x81, 0x80, 4]],
      ["(memory 2 1)", [5, 4, 1, 1, 2, 1]],
      ["(table 4 3 funcref)", [4, 5, 1, 0x70, 1, 4, 3]],
    ] as const)
      await assert.rejects(
        bench().runtime.compile(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...section), { memoryLimit: 3 * PAGE }),
        hasCode("invalid_module"),
        name,
      );
  });

  test("memory limit: a start function that calls the host, and sections around the memory, are as they were", async () => {
    const seen: number[] = [];
    const module = await bench().runtime.compile(
      wat(`(module (import "env" "say" (func $say (param i32))) (table 2 funcref) (memory (export "memory") 1)
        (global $g i32 (i32.const 5)) (data (i32.const 8) "x") (func $s (call $say (i32.load8_u (i32.const 8)))) (start $s))`),
      { memoryLimit: 10 * PAGE },
    );
    const say = host("say", ["i32"], [], (_, value) => {
      seen.push(value as number);
      return undefined;
    });
    await bench().instantiateModule(module, say);
    assert.deepEqual(seen, [120]);
  });
}

function closingTests(createRuntime: () => Promise<Runtime>): void {
  const COUNTER = '(module (memory (export "memory") 1) (func (export "f") (result i32) (i32.const 1)))';

  test("a closed instance refuses calls and access", async () => {
    const runtime = await createRuntime();
    const { instance, context } = await runtime.instantiateWithHost(await runtime.compile(wat(COUNTER)), {
      functions: [],
    });
    const [f, memory] = [instance.function("f")!, instance.memory!];
    await instance.close();
    await context.close();
    assert.throws(() => f.call(), hasCode("closed"));
    assert.throws(() => memory.bytes(), hasCode("closed"));
    await instance.close();
    await runtime.close();
  });

  test("a closed module and a closed runtime make nothing more", async () => {
    const runtime = await createRuntime();
    const module = await runtime.compile(wat(COUNTER));
    await module.close();
    await assert.rejects(runtime.instantiateWithHost(module, { functions: [] }), hasCode("closed"));
    const other = await runtime.compile(wat(COUNTER));
    await runtime.close();
    await assert.rejects(runtime.instantiateWithHost(other, { functions: [] }), hasCode("closed"));
    await assert.rejects(runtime.compile(wat(COUNTER)), hasCode("closed"));
    await runtime.close();
  });
}
