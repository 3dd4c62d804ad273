import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { parseModule } from "./binary.ts";
import { limitCallDepth } from "./call-depth.ts";
import type { ModuleInstance } from "./contract.ts";
import { create } from "./registry.ts";
import { call, hasCode } from "./testing/bench.ts";
import { wat } from "./testing/wat.ts";
import "./engines.ts";

const LIMIT = 1 << 20;

interface Limited {
  readonly instance: ModuleInstance;
  readonly depth: () => number;
}

/** On an engine that has a limit of its own, which is not reached here. */
async function limited(text: string, limit = LIMIT): Promise<Limited> {
  const binary = wat(text);
  const rewritten = limitCallDepth(binary, parseModule(binary), limit);
  assert.ok(rewritten, "nothing in it can recurse");
  const runtime = await create();
  const { instance } = await runtime.instantiateWithHost(await runtime.compile(rewritten.binary), { functions: [] });
  return {
    instance,
    depth: () => {
      const depth = call(instance, rewritten.counter, 0) as number;
      call(instance, rewritten.counter, depth);
      return depth;
    },
  };
}

function isUnchanged(text: string): boolean {
  const binary = wat(text);
  return limitCallDepth(binary, parseModule(binary), LIMIT) === undefined;
}

describe("the depth of calls, written into a module", () => {
  test("recursion ends at the limit, and what it had counted can be set back", async () => {
    const { instance, depth } = await limited(`(module
      (func $down (export "down") (param i32) (result i32)
        (if (result i32) (i32.eqz (local.get 0)) (then (i32.const 0))
          (else (i32.add (i32.const 1) (call $down (i32.sub (local.get 0) (i32.const 1))))))))`);
    assert.equal(call(instance, "down", 5000), 5000);
    assert.equal(depth(), 0, "each that returns is not counted any more");
    assert.throws(() => call(instance, "down", 20_000), hasCode("unreachable"));
    assert.ok(depth() > LIMIT);
    call(instance, "(depth)", 0);
    assert.equal(call(instance, "down", 5000), 5000);
  });

  test("the more locals a function has, the sooner", async () => {
    const reached = async (locals: number): Promise<number> => {
      const { instance } = await limited(`(module (global $n (export "n") (mut i32) (i32.const 0))
        (func (export "count") (result i32) (global.get $n))
        (func $f (export "f") (local ${"i64 ".repeat(locals)}) (global.set $n (i32.add (global.get $n) (i32.const 1))) (call $f) (call $f)))`);
      assert.throws(() => call(instance, "f"), hasCode("unreachable"));
      return call(instance, "count") as number;
    };
    const [few, many] = [await reached(1), await reached(200)];
    assert.ok(few > 20 * many, `${few} and ${many}`);
  });

  for (const [name, text] of [
    ["each other", '(func $a (export "f") (call $b) (nop)) (func $b (call $a) (nop))'],
    [
      "through a table",
      '(type $t (func)) (table 1 funcref) (elem (i32.const 0) $f) (func $f (export "f") (call_indirect (type $t) (i32.const 0)) (nop))',
    ],
    ["beyond a function that keeps no frame", '(func $a (export "f") (call $b) (nop)) (func $b (return_call $a))'],
  ] as const)
    test(`functions that call ${name}`, async () => {
      const { instance } = await limited(`(module ${text})`, 10_000);
      assert.throws(() => call(instance, "f"), hasCode("unreachable"));
    });

  test("functions that call through a reference", async () => {
    // (type (func)) (func (call_ref 0 (ref.func 0)) (nop)) (export "f" (func 0))
    const body = [0, 0xd2, 0, 0x14, 0, 0x01, 0x0b];
    const binary = Uint8Array.of(
      ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0, 7, 5, 1, 1, 0x66, 0, 0],
      ...[10, body.length + 2, 1, body.length, ...body],
    );
    const rewritten = limitCallDepth(binary, parseModule(binary), 10_000);
    const runtime = await create();
    const { instance } = await runtime.instantiateWithHost(await runtime.compile(rewritten!.binary), { functions: [] });
    assert.throws(() => call(instance, "f"), hasCode("unreachable"));
  });

  test("what cannot recurse is as it was", () => {
    assert.ok(isUnchanged("(module)"));
    assert.ok(isUnchanged('(module (func $leaf) (func $a (call $leaf)) (func (export "f") (call $a) (call $a)))'));
    assert.ok(isUnchanged('(module (import "env" "f" (func $f)) (func (export "f") (call $f)))'));
    assert.ok(isUnchanged('(module (func $loop (export "f") (return_call $loop)))'));
  });

  test("calls in the place of a frame are not counted, however many", async () => {
    const { instance, depth } = await limited(`(module
      (func $even (export "even") (param i32) (result i32)
        (if (i32.eqz (local.get 0)) (then (return (i32.const 1))))
        (if (i32.eq (local.get 0) (i32.const -1)) (then (drop (call $even (i32.const 0)))))
        (return_call $odd (i32.sub (local.get 0) (i32.const 1))))
      (func $odd (param i32) (result i32)
        (if (i32.eqz (local.get 0)) (then (return (i32.const 0))))
        (return_call $even (i32.sub (local.get 0) (i32.const 1)))))`);
    assert.equal(call(instance, "even", 1_000_001), 0);
    assert.equal(depth(), 0);
  });

  test("every way out of a function gives what it gave: out of blocks, with several results", async () => {
    const { instance, depth } = await limited(`(module
      (func $f (export "f") (param i32) (result i32 i64)
        (block (block (block
          (br_table 0 1 2 (local.get 0)))
          (return (call $f (i32.const 3))))
          (loop (block (return (i32.const 10) (i64.const 11)))))
        (if (i32.eq (local.get 0) (i32.const 2)) (then (return (i32.const 20) (i64.const 21))))
        (i32.const 30) (i64.const 31)))`);
    assert.deepEqual(call(instance, "f", 0), [30, 31n]);
    assert.deepEqual(call(instance, "f", 1), [10, 11n]);
    assert.deepEqual(call(instance, "f", 2), [20, 21n]);
    assert.deepEqual(call(instance, "f", 3), [30, 31n]);
    assert.equal(depth(), 0);
  });

  test("names that are taken, globals and exports that are there", async () => {
    const binary = wat(`(module (import "env" "g" (global i32)) (global $own (mut i32) (i32.const 7))
      (func (export "(depth)") (result i32) (global.get $own)) (func $f (export "f") (call $f) (call $f)))`);
    const rewritten = limitCallDepth(binary, parseModule(binary), LIMIT);
    assert.equal(rewritten?.counter, "(depth)'");
    const { exports } = parseModule(rewritten.binary);
    assert.deepEqual(
      exports.map(({ name }) => name),
      ["(depth)", "f", "(depth)'"],
    );
  });

  test("any number of frames is counted and forgotten", async () => {
    const { instance, depth } = await limited(`(module
      (func $tree (export "tree") (param i32) (result i32)
        (if (i32.le_s (local.get 0) (i32.const 0)) (then (return (i32.const 1))))
        (i32.add (call $tree (i32.sub (local.get 0) (i32.const 1))) (call $tree (i32.sub (local.get 0) (i32.const 2))))))`);
    const tree = (n: number): number => (n <= 0 ? 1 : tree(n - 1) + tree(n - 2));
    fc.assert(
      fc.property(fc.integer({ min: -1, max: 15 }), (n) => {
        assert.equal(call(instance, "tree", n), tree(n));
        assert.equal(depth(), 0);
      }),
    );
  });
});
