/** Part of the contract suite: how calls end that do not return. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ModuleInstance, RuntimeCapabilities } from "./contract.ts";
import { WasmError, type WasmErrorCode } from "./errors.ts";
import { type Bench, call, hasCode, host } from "./testing/bench.ts";

/** One function for each way to trap; `f` does it. */
const TRAPS: readonly (readonly [name: string, code: WasmErrorCode, module: string])[] = [
  ["unreachable", "unreachable", '(func (export "f") unreachable)'],
  ["load", "out_of_bounds", '(memory 1) (func (export "f") (drop (i32.load (i32.const 65533))))'],
  ["store", "out_of_bounds", '(memory 1) (func (export "f") (i64.store (i32.const -1) (i64.const 1)))'],
  [
    "memory.copy",
    "out_of_bounds",
    '(memory 1) (func (export "f") (memory.copy (i32.const 0) (i32.const 65000) (i32.const 1000)))',
  ],
  [
    "memory.fill",
    "out_of_bounds",
    '(memory 1) (func (export "f") (memory.fill (i32.const 65000) (i32.const 1) (i32.const 1000)))',
  ],
  [
    "memory.init",
    "out_of_bounds",
    '(memory 1) (data $d "abc") (func (export "f") (memory.init $d (i32.const 0) (i32.const 0) (i32.const 9)))',
  ],
  [
    "call_indirect beyond the table",
    "table_out_of_bounds",
    '(type $t (func)) (table 1 funcref) (func (export "f") (call_indirect (type $t) (i32.const 7)))',
  ],
  ["table.get", "table_out_of_bounds", '(table $t 1 funcref) (func (export "f") (drop (table.get $t (i32.const 7))))'],
  [
    "table.init",
    "table_out_of_bounds",
    '(table 1 funcref) (elem $e func $g) (func $g) (func (export "f") (table.init $e (i32.const 0) (i32.const 0) (i32.const 9)))',
  ],
  [
    "call_indirect of null",
    "indirect_call",
    '(type $t (func)) (table 1 funcref) (func (export "f") (call_indirect (type $t) (i32.const 0)))',
  ],
  [
    "call_indirect of another type",
    "indirect_call",
    '(type $t (func)) (table 1 funcref) (elem (i32.const 0) $g) (func $g (param i32)) (func (export "f") (call_indirect (type $t) (i32.const 0)))',
  ],
  ["i32.div_s by zero", "divide_by_zero", '(func (export "f") (drop (i32.div_s (i32.const 1) (i32.const 0))))'],
  ["i64.div_u by zero", "divide_by_zero", '(func (export "f") (drop (i64.div_u (i64.const 1) (i64.const 0))))'],
  ["i32.rem_u by zero", "divide_by_zero", '(func (export "f") (drop (i32.rem_u (i32.const 1) (i32.const 0))))'],
  ["i64.rem_s by zero", "divide_by_zero", '(func (export "f") (drop (i64.rem_s (i64.const 1) (i64.const 0))))'],
  [
    "i32.div_s overflow",
    "integer_overflow",
    '(func (export "f") (drop (i32.div_s (i32.const 0x80000000) (i32.const -1))))',
  ],
  [
    "i64.div_s overflow",
    "integer_overflow",
    '(func (export "f") (drop (i64.div_s (i64.const 0x8000000000000000) (i64.const -1))))',
  ],
  ["i32.trunc_f64_s of NaN", "invalid_conversion", '(func (export "f") (drop (i32.trunc_f64_s (f64.const nan))))'],
  ["i64.trunc_f32_u of NaN", "invalid_conversion", '(func (export "f") (drop (i64.trunc_f32_u (f32.const nan))))'],
];

/** An engine that cannot says so in its capabilities, and has a test of its own for what happens then. */
const RECURSION = ["recursion without end", "stack_overflow", '(func $f (export "f") (call $f) (call $f))'] as const;

export function trapTests(bench: () => Bench, { recursionTraps, nestedCalls }: RuntimeCapabilities): void {
  for (const [name, code, fields] of recursionTraps ? [...TRAPS, RECURSION] : TRAPS)
    test(`${name}: ${code}`, async () => {
      const instance = await bench().instantiate(`(module ${fields})`);
      assert.throws(() => call(instance, "f"), hasCode(code));
      assert.throws(() => call(instance, "f"), hasCode(code), "the second time as well");
    });

  test("a float beyond the range of integers: engines do not tell it from NaN, or not from division", async () => {
    const instance = await bench().instantiate(
      '(module (func (export "f") (drop (i32.trunc_f64_s (f64.const 1e10)))))',
    );
    assert.throws(
      () => call(instance, "f"),
      (error) => error instanceof WasmError && ["invalid_conversion", "integer_overflow"].includes(error.code),
    );
  });

  const THROWING =
    '(module (import "env" "f" (func $f)) (func (export "f") (call $f)) (func (export "ok") (result i32) (i32.const 1)))';

  test("what a host function throws comes out unchanged", async () => {
    for (const thrown of [
      new Error("mine"),
      new RangeError("mine too"),
      new WasmError("host", "refused"),
      "text",
      undefined,
    ]) {
      const instance = await bench().instantiate(
        THROWING,
        host("f", [], [], () => {
          throw thrown;
        }),
      );
      let caught: unknown = "nothing";
      try {
        call(instance, "f");
      } catch (error) {
        caught = error;
      }
      assert.equal(caught, thrown);
      assert.equal(call(instance, "ok"), 1, "the instance works on");
    }
  });

  if (nestedCalls)
    test("host functions may call the guest again, and a trap passes through both", () => nested(bench()));
  else
    test("a host function that calls the guest again is refused, and the guest goes on", async () => {
      const holder: { instance?: ModuleInstance } = {};
      const again = host("again", [], ["i32"], () => {
        assert.throws(() => call(holder.instance!, "seven"), hasCode("unsupported"));
        return 5;
      });
      holder.instance = await bench().instantiate(
        `(module (import "env" "again" (func $again (result i32))) (func $seven (export "seven") (result i32) (i32.const 7))
          (func (export "f") (result i32) (drop (call $again)) (i32.add (call $again) (call $seven))))`,
        again,
      );
      assert.equal(call(holder.instance, "f"), 12);
      assert.equal(call(holder.instance, "seven"), 7);
    });
}

async function nested(bench: Bench): Promise<void> {
  const holder: { instance?: ModuleInstance } = {};
  const down = host("down", ["i32"], ["i32"], (_memory, depth) =>
    (depth as number) === 0 ? 0 : (call(holder.instance!, "down", (depth as number) - 1) as number) + 1,
  );
  const fail = host("fail", [], [], () => {
    call(holder.instance!, "trap");
    return undefined;
  });
  holder.instance = await bench.instantiate(
    `(module (import "env" "down" (func $down (param i32) (result i32))) (import "env" "fail" (func $fail))
      (func (export "down") (param i32) (result i32) (call $down (local.get 0)))
      (func (export "twice") (param i32) (result i32) (drop (call $down (local.get 0))) (call $down (local.get 0)))
      (func (export "trap") (drop (i32.div_u (i32.const 1) (i32.const 0)))) (func (export "fail") (call $fail)))`,
    down,
    fail,
  );
  assert.equal(call(holder.instance, "down", 20), 20);
  assert.throws(() => call(holder.instance!, "fail"), hasCode("divide_by_zero"));
  assert.equal(call(holder.instance, "down", 3), 3);
  assert.equal(call(holder.instance, "twice", 3), 3, "the guest goes on behind a call inside its own");
}
