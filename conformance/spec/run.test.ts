/** That the runner sees what is wrong, with scripts made here. */
import assert from "node:assert/strict";
import { test } from "node:test";
import "../../packages/otelwasm/src/runtime/engines.ts";
import { create } from "../../packages/otelwasm/src/runtime/registry.ts";
import { wat } from "../../packages/otelwasm/src/runtime/testing/wat.ts";
import { type Outcome, runScript } from "./run.ts";
import type { Action, Command, ScriptValue } from "./script.ts";

const MODULES: Readonly<Record<string, string>> = {
  numbers: `(module
    (global (export "g") v128 (v128.const i64x2 1 2))
    (memory 1)
    (func (export "three") (result i32) (i32.const 3))
    (func (export "zero") (result f64) (f64.const -0))
    (func (export "same") (param f32) (result f32) (local.get 0))
    (func (export "both") (param f64 v128) (result v128 f64) (local.get 1) (local.get 0))
    (func (export "load") (drop (i32.load (i32.const -1)))))`,
  unknown: '(module (import "nobody" "f" (func)))',
  memory: '(module (import "a" "m" (memory 1)))',
  exporter: '(module (memory (export "m") 1) (func (export "f") (result i32) (i32.const 7)))',
  importer: '(module (import "a" "f" (func $f (result i32))) (func (export "g") (result i32) (call $f)))',
};

/** Its line is its index. */
type Unnumbered<C> = C extends unknown ? Omit<C, "line"> : never;

async function run(...commands: readonly Unnumbered<Command>[]): Promise<Outcome> {
  const runtime = await create({ type: "v8" });
  try {
    const lines = commands.map((command, line) => ({ ...command, line }) as Command);
    return await runScript({ commands: lines, binary: (name) => wat(MODULES[name]!) }, runtime);
  } finally {
    await runtime.close();
  }
}

const module = (filename: string, name?: string): Unnumbered<Extract<Command, { type: "module" }>> => ({
  type: "module",
  filename,
  ...(name === undefined ? {} : { name }),
});
const invoke = (field: string, ...args: ScriptValue[]): Action => ({ type: "invoke", field, args });
const returns = (
  action: Action,
  ...expected: ScriptValue[]
): Unnumbered<Extract<Command, { type: "assert_return" }>> => ({ type: "assert_return", action, expected });
const f32 = (value: string): ScriptValue => ({ type: "f32", value });
const f64 = (value: string): ScriptValue => ({ type: "f64", value });

test("numbers, with their signs, and how many", async () => {
  const { ran, failures } = await run(
    module("numbers"),
    returns(invoke("three"), { type: "i32", value: "3" }),
    returns(invoke("three"), { type: "i32", value: "4" }),
    returns(invoke("three")),
    returns(invoke("zero"), f64("9223372036854775808")),
    returns(invoke("zero"), f64("0")),
    returns(invoke("absent")),
  );
  assert.equal(ran, 7);
  assert.deepEqual(
    failures.map(({ line, what }) => [line, what.split("\n")[0]]),
    [
      [2, "assert_return: three: returned 3, not 4"],
      [3, "assert_return: three: returned 3, not nothing"],
      [5, "assert_return: zero: returned -0, not 0"],
      [6, 'assert_return: no function "absent" is exported'],
    ],
  );
});

test("the bits of NaN", async () => {
  const [canonical, negative, other, signalling] = ["2143289344", "4290772992", "2143289345", "2139095041"];
  const { failures } = await run(
    module("numbers"),
    ...[canonical, negative, other, signalling].map((bits) => returns(invoke("same", f32(bits!)), f32(bits!))),
    ...[canonical, negative, other, signalling].map((bits) =>
      returns(invoke("same", f32(bits!)), f32("nan:canonical")),
    ),
    ...[canonical, negative, other, signalling].map((bits) =>
      returns(invoke("same", f32(bits!)), f32("nan:arithmetic")),
    ),
    returns(invoke("same", f32(other!)), f32(canonical!)),
  );
  assert.deepEqual(
    failures.map(({ line }) => line),
    [7, 8, 12, 13],
  );
});

test("vectors, and globals", async () => {
  const vector = (...value: string[]): ScriptValue => ({ type: "v128", lane_type: "i32", value });
  const both = invoke("both", f64("9221120237041090561"), vector("1", "2", "3", "4"));
  const { failures } = await run(
    module("numbers"),
    returns(both, vector("1", "2", "3", "4"), f64("9221120237041090561")),
    returns(both, vector("1", "2", "3", "4"), f64("9221120237041090560")),
    returns(both, vector("1", "2", "4", "4"), f64("9221120237041090561")),
    returns({ type: "get", field: "g" }, vector("1", "0", "2", "0")),
    returns({ type: "get", field: "g" }, vector("1", "0", "3", "0")),
  );
  assert.deepEqual(
    failures.map(({ line }) => line),
    [2, 3, 5],
  );
});

test("errors have the code that the text stands for", async () => {
  const load = invoke("load");
  const { failures } = await run(
    module("numbers"),
    { type: "assert_trap", action: load, text: "out of bounds memory access" },
    { type: "assert_trap", action: load, text: "out of bounds table access" },
    { type: "assert_trap", action: invoke("three"), text: "unreachable" },
    { type: "assert_exception", action: load },
    { type: "assert_unlinkable", filename: "unknown", text: "unknown import" },
    { type: "assert_unlinkable", filename: "numbers", text: "unknown import" },
    { type: "assert_invalid", filename: "numbers", text: "" },
    { type: "assert_trap", action: load, text: "a new text" },
  );
  assert.deepEqual(
    failures.map(({ line }) => line),
    [2, 3, 4, 6, 7, 8],
  );
});

test("what a module that failed is asked for is not told again", async () => {
  const { ran, failures } = await run(module("unknown"), returns(invoke("f")), returns(invoke("f")));
  assert.equal(ran, 3);
  assert.deepEqual(
    failures.map(({ line }) => line),
    [0],
  );
});

test("modules call each other; where one is left out, what it could have changed is, too", async () => {
  const seven: ScriptValue = { type: "i32", value: "7" };
  const asked = [
    returns({ ...invoke("g"), module: "$importer" }, seven),
    returns({ ...invoke("f"), module: "$exporter" }, seven),
  ];
  const { ran, leftOut, failures } = await run(
    module("exporter", "$exporter"),
    { type: "register", as: "a", name: "$exporter" },
    module("importer", "$importer"),
    ...asked,
    module("memory"),
    ...asked,
    returns(invoke("anything")),
    { type: "assert_malformed", filename: "numbers", text: "", module_type: "text" },
  );
  assert.deepEqual(failures, []);
  assert.equal(ran, 5);
  assert.deepEqual(Object.fromEntries(leftOut), { memory: 2, state: 2, text: 1 });
});
