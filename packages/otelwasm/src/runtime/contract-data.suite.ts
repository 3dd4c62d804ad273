/** Part of the contract suite: what passes the boundary. */
import assert from "node:assert/strict";
import { before, test } from "node:test";
import type { ModuleInstance, Value, ValueType } from "./contract.ts";
import { type Bench, call, host } from "./testing/bench.ts";

const ALL_TYPES = `(module
  (import "env" "mix" (func $mix (param i32 i64 f32 f64) (result f64)))
  (import "env" "wide" (func $wide (param i64) (result i64)))
  (func (export "i32") (param i32) (result i32) (local.get 0))
  (func (export "i64") (param i64) (result i64) (local.get 0))
  (func (export "f32") (param f32) (result f32) (local.get 0))
  (func (export "f64") (param f64) (result f64) (local.get 0))
  (func (export "many") (param i32 i64) (result i64 i32 f64)
    (local.get 1) (local.get 0) (f64.const 1.5))
  (func (export "mix") (param i32 i64 f32 f64) (result f64)
    (call $mix (local.get 0) (local.get 1) (local.get 2) (local.get 3)))
  (func (export "wide") (param i64) (result i64) (call $wide (local.get 0))))`;

export function valueTests(bench: () => Bench): void {
  const mixed: Value[][] = [];
  const functions = [
    host("mix", ["i32", "i64", "f32", "f64"], ["f64"], (_memory, ...params) => {
      mixed.push(params);
      return 2.25;
    }),
    host("wide", ["i64"], ["i64"], (_memory, value) => (value as bigint) - 1n),
  ];
  let instance: ModuleInstance;
  before(async () => {
    instance = await bench().instantiate(ALL_TYPES, ...functions);
  });

  test("nothing of a longer value stays where a shorter one is passed", async () => {
    const short = await bench().instantiate(
      `(module (import "env" "zero" (func $zero (param i64) (result i32)))
        (func (export "long") (param i64 f64))
        (func $choose (export "choose") (param i32 f32) (result i32)
          (block (br_if 0 (local.get 0)) (return (i32.reinterpret_f32 (local.get 1)))) (i32.const 1))
        (func (export "host") (result i32) (call $choose (call $zero (i64.const -1)) (f32.const 0))))`,
      host("zero", ["i64"], ["i32"], () => 0),
    );
    call(short, "long", -1n, -1.5);
    assert.equal(call(short, "choose", 0, 0), 0);
    assert.equal(call(short, "host"), 0);
  });

  test("i32 comes back signed, whatever sign it was given with", () => {
    assert.equal(call(instance, "i32", 7), 7);
    assert.equal(call(instance, "i32", 0xfffffff0), -16);
    assert.equal(call(instance, "i32", -16), -16);
    assert.equal(call(instance, "i32", 0x80000000), -0x80000000);
  });

  test("i64 are bigints", () => {
    for (const value of [0n, -1n, 2n ** 63n - 1n, -(2n ** 63n)]) assert.equal(call(instance, "i64", value), value);
    assert.equal(call(instance, "wide", -(2n ** 62n)), -(2n ** 62n) - 1n);
  });

  test("f32 and f64 keep their bits of precision, infinities, NaN and the sign of zero", () => {
    assert.equal(call(instance, "f32", 0.1), Math.fround(0.1));
    for (const value of [0.1, -0, Infinity, -Infinity, Number.NaN, 5e-324])
      assert.ok(Object.is(call(instance, "f64", value), value));
  });

  test("several results are an array, none is undefined", () => {
    assert.deepEqual(call(instance, "many", 3, 4n), [4n, 3, 1.5]);
  });

  test("host functions get every type of value in order", () => {
    assert.equal(call(instance, "mix", -1, -2n, 0.5, 1e300), 2.25);
    assert.deepEqual(mixed.at(-1), [-1, -2n, 0.5, 1e300]);
  });

  for (const arity of [0, 1, 2, 3, 4, 5, 6, 7, 9, 12])
    test(`${arity} parameters, in both directions`, async () => {
      const got: Value[][] = [];
      const types = Array<ValueType>(arity).fill("i32");
      const params = arity === 0 ? "" : `(param ${types.join(" ")})`;
      const counted = await bench().instantiate(
        `(module (import "env" "f" (func $f ${params} (result i32)))
          (func (export "f") ${params} (result i32) ${types.map((_, index) => `(local.get ${index})`).join("")} (call $f)))`,
        host("f", types, ["i32"], (_memory, ...values) => {
          got.push(values);
          return 100 + values.length;
        }),
      );
      const given = types.map((_, index) => index + 1);
      assert.equal(call(counted, "f", ...given), 100 + arity);
      assert.deepEqual(got, [given]);
    });

  test("the type of a function is told", () => {
    assert.deepEqual(instance.function("many")!.type, { params: ["i32", "i64"], results: ["i64", "i32", "f64"] });
  });
}

export function memoryTests(bench: () => Bench): void {
  const MEMORY = `(module (import "env" "look" (func $look)) (memory (export "memory") 1 10)
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
    (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0)))
    (func (export "grow_and_look") (drop (memory.grow (i32.const 1))) (i32.store8 (i32.const 70000) (i32.const 42)) (call $look)))`;

  test("reads and writes are seen on both sides", async () => {
    const instance = await bench().instantiate(
      MEMORY,
      host("look", [], [], () => undefined),
    );
    const memory = instance.memory!;
    assert.equal(memory.byteLength, 65536);
    memory.write(65533, Uint8Array.of(1, 2, 3));
    assert.equal(call(instance, "load", 65535), 3);
    assert.deepEqual([...memory.read(65533, 3)], [1, 2, 3]);
    memory.view().setUint32(0, 0x01020304, true);
    assert.deepEqual([...memory.bytes().subarray(0, 4)], [4, 3, 2, 1]);
    assert.equal(memory.bytes().length, 65536);
    assert.equal(memory.read(65536, 0).length, 0);
    memory.write(65536, new Uint8Array(0));
  });

  test("a view is no copy", async () => {
    const memory = (
      await bench().instantiate(
        MEMORY,
        host("look", [], [], () => undefined),
      )
    ).memory!;
    memory.read(100, 1)[0] = 9;
    assert.equal(memory.bytes()[100], 9);
  });

  test("out-of-range access is a RangeError and writes nothing", async () => {
    const memory = (
      await bench().instantiate(
        MEMORY,
        host("look", [], [], () => undefined),
      )
    ).memory!;
    for (const [offset, size] of [
      [65536, 1],
      [65535, 2],
      [0, 65537],
      [-1, 1],
      [-1, -1],
      [0xffffffff, 0xffffffff],
    ] as const) {
      assert.throws(() => memory.read(offset, size), RangeError, `read(${offset}, ${size})`);
    }
    assert.throws(() => memory.write(65530, new Uint8Array(7).fill(1)), RangeError);
    assert.throws(() => memory.write(-8, new Uint8Array(8)), RangeError);
    assert.deepEqual([...memory.read(65530, 6)], [0, 0, 0, 0, 0, 0]);
  });

  test("memory, bytes and view follow growth", async () => {
    const instance = await bench().instantiate(
      MEMORY,
      host("look", [], [], () => undefined),
    );
    const memory = instance.memory!;
    memory.write(10, Uint8Array.of(5));
    assert.equal(memory.view().byteLength, 65536);
    assert.equal(call(instance, "grow", 2), 1);
    assert.equal(memory.byteLength, 3 * 65536);
    assert.equal(memory.view().byteLength, 3 * 65536);
    assert.equal(memory.read(10, 1)[0], 5);
    memory.write(3 * 65536 - 1, Uint8Array.of(6));
    assert.equal(call(instance, "load", 3 * 65536 - 1), 6);
    assert.equal(call(instance, "grow", 100), -1, "beyond the maximum");
    assert.equal(memory.byteLength, 3 * 65536);
  });

  test("a host function sees the memory that grew in the same call", async () => {
    let seen: number | undefined;
    const look = host("look", [], [], (memory) => {
      seen = memory.read(70000, 1)[0];
      return undefined;
    });
    const instance = await bench().instantiate(MEMORY, look);
    assert.equal(instance.memory!.byteLength, 65536);
    call(instance, "grow_and_look");
    assert.equal(seen, 42);
  });

  test("a module without memory gives its host functions an empty one", async () => {
    let length = -1;
    const look = host("look", [], [], (memory) => {
      length = memory.byteLength;
      assert.throws(() => memory.read(0, 1), RangeError);
      return undefined;
    });
    const instance = await bench().instantiate(
      '(module (import "env" "look" (func $l)) (func (export "f") (call $l)))',
      look,
    );
    call(instance, "f");
    assert.equal(length, 0);
    assert.equal(instance.memory, undefined);
  });

  test("a memory that starts empty", async () => {
    const instance = await bench().instantiate(
      '(module (memory (export "memory") 0) (func (export "grow") (result i32) (memory.grow (i32.const 1))))',
    );
    assert.equal(instance.memory!.byteLength, 0);
    assert.equal(call(instance, "grow"), 0);
    assert.equal(instance.memory!.byteLength, 65536);
  });

  test("pointers near 4 GiB arrive as negative i32 and are unsigned", async () => {
    let pointer: Value | undefined;
    const look = host("look", ["i32"], [], (memory, given) => {
      pointer = given;
      assert.deepEqual([...memory.read(given as number, 4)], [4, 3, 2, 1]);
      memory.write(given as number, Uint8Array.of(9));
      return undefined;
    });
    const instance = await bench().instantiate(
      `(module (import "env" "look" (func $look (param i32))) (memory (export "memory") 65536)
        (func (export "f") (result i32) (i32.store (i32.const -16) (i32.const 0x01020304)) (call $look (i32.const -16))
          (i32.load8_u (i32.const -16))))`,
      look,
    );
    assert.equal(call(instance, "f"), 9);
    assert.equal(pointer, -16);
    assert.equal(instance.memory!.byteLength, 2 ** 32);
    assert.equal(instance.memory!.read(0xfffffff0, 1)[0], 9);
  });
}
