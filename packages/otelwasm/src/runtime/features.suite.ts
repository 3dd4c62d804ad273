/**
 * That the table of capabilities says what an engine does, in either direction: each feature is tried by a module that needs it. Called with a factory by each engine's
 * `runtime.test.ts`.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Runtime, RuntimeCapabilities, RuntimeFeatures } from "./contract.ts";
import { WasmError, type WasmErrorCode } from "./errors.ts";
import { Bench, call, hasCode } from "./testing/bench.ts";
import { wat } from "./testing/wat.ts";

const STRUCT = [0x5f, 1, 0x7f, 0]; // struct { i32 }
const ARRAY = [0x5e, 0x7f, 1]; // array of mut i32

/** What each module's `f` returns. */
const ANSWER = 42;

/** In the binary format where the text format's compiler does not know the feature. */
const PROBES: Readonly<Record<keyof RuntimeFeatures, Uint8Array>> = {
  threads: wat(`(module (memory 1 1 shared) (func (export "f") (result i32)
    (drop (i32.atomic.rmw.add (i32.const 8) (i32.const 42))) (i32.atomic.load (i32.const 8))))`),
  simd: wat(`(module (func (export "f") (result i32)
    (i32x4.extract_lane 3 (i32x4.add (i32x4.splat (i32.const 40)) (i32x4.splat (i32.const 2))))))`),
  bulkMemory: wat(`(module (memory 1) (func (export "f") (result i32)
    (memory.fill (i32.const 4) (i32.const 42) (i32.const 8))
    (memory.copy (i32.const 100) (i32.const 8) (i32.const 1))
    (i32.load (i32.const 100))))`),
  memory64: wat(`(module (memory i64 1) (func (export "f") (result i32)
    (i32.store (i64.const 16) (i32.const 42)) (i32.load (i64.const 16))))`),
  // So often that a call that keeps its frame would exhaust any stack.
  tailCalls: wat(`(module (func $down (param i32) (result i32)
      (if (i32.eqz (local.get 0)) (then (return (i32.const 42))))
      (return_call $down (i32.sub (local.get 0) (i32.const 1))))
    (func (export "f") (result i32) (call $down (i32.const 3000000))))`),
  // block (result i32) (try_table (catch $tag 0) (throw $tag (i32.const 42))) unreachable
  exceptions: module(
    [section(1, 2, [0x60, 0, 1, 0x7f], [0x60, 1, 0x7f, 0]), section(3, 1, [0]), section(13, 1, [0, 1])],
    [0x02, 0x7f, 0x1f, 0x40, 1, 0x00, 0, 0, 0x41, ANSWER, 0x08, 0, 0x0b, 0x00, 0x0b],
  ),
  // struct.get 0 (struct.new (i32.const 42))
  gc: module(
    [section(1, 2, [0x60, 0, 1, 0x7f], [0x5f, 1, 0x7f, 0]), section(3, 1, [0])],
    [0x41, ANSWER, 0xfb, 0x00, 1, 0xfb, 0x02, 1, 0],
  ),
};

/** Traps that only a feature can have. */
const TRAPS: readonly (readonly [
  name: string,
  feature: keyof RuntimeFeatures,
  code: WasmErrorCode,
  binary: Uint8Array,
])[] = [
  ["struct.get of null", "gc", "null_reference", gc(STRUCT, 0xd0, 1, 0xfb, 2, 1, 0, 0x1a)],
  ["ref.cast", "gc", "illegal_cast", gc(STRUCT, 0xd0, 0x6e, 0xfb, 0x16, 1, 0x1a)],
  ["array.get", "gc", "array_out_of_bounds", gc(ARRAY, 0x41, 1, 0xfb, 7, 1, 0x41, 9, 0xfb, 0x0b, 1, 0x1a)],
  ["array.new too large", "gc", "array_out_of_bounds", gc(ARRAY, 0x41, 0x7f, 0xfb, 7, 1, 0x1a)],
  [
    "an atomic access that is not aligned",
    "threads",
    "unaligned_atomic",
    wat('(module (memory 1 1 shared) (func (export "f") (drop (i32.atomic.load (i32.const 1)))))'),
  ],
  [
    "an exception that nobody catches",
    "exceptions",
    "exception",
    wat('(module (tag $t (param i32)) (func (export "f") (throw $t (i32.const 1))))'),
  ],
];

function section(id: number, count: number, ...entries: readonly (readonly number[])[]): number[] {
  const content = [count, ...entries.flat()];
  return [id, content.length, ...content];
}

/** One function `f`, of the first type. */
function module(sections: readonly (readonly number[])[], body: readonly number[]): Uint8Array {
  return Uint8Array.of(
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...sections.flat(),
    ...section(7, 1, [1, 0x66, 0, 0]),
    ...section(10, 1, [body.length + 2, 0, ...body, 0x0b]),
  );
}

/** A function without parameters and results, and one more type. */
function gc(type: readonly number[], ...body: readonly number[]): Uint8Array {
  return module([section(1, 2, [0x60, 0, 0], type), section(3, 1, [0])], body);
}

export function featuresSuite(
  name: string,
  capabilities: RuntimeCapabilities,
  createRuntime: () => Promise<Runtime>,
  options: { readonly skip?: string } = {},
): void {
  describe(`${name}: the table of capabilities is true`, options, () => {
    let bench: Bench;
    before(async () => {
      bench = new Bench(await createRuntime());
    });
    after(() => bench.close());

    for (const [feature, probe] of Object.entries(PROBES) as [keyof RuntimeFeatures, Uint8Array][])
      if (capabilities.features[feature])
        test(`${feature}: it does`, async () => {
          const instance = await bench.instantiateModule(await bench.runtime.compile(probe));
          assert.equal(call(instance, "f"), ANSWER);
        });
      else
        test(`${feature}: it does not, and refuses the module`, async () => {
          const made = bench.runtime.compile(probe).then((compiled) => bench.instantiateModule(compiled));
          await assert.rejects(
            made,
            (error) => error instanceof WasmError && ["invalid_module", "unsupported"].includes(error.code),
          );
        });

    for (const [name, feature, code, binary] of TRAPS)
      if (capabilities.features[feature])
        test(`${name}: ${code}`, async () => {
          const instance = await bench.instantiateModule(await bench.runtime.compile(binary));
          assert.throws(() => call(instance, "f"), hasCode(code));
          assert.throws(() => call(instance, "f"), hasCode(code), "the second time as well");
        });

    if (capabilities.features.gc && capabilities.memoryLimit)
      test("arrays are refused where memory is to be limited", async () => {
        const arrays = gc(ARRAY, 0x41, 1, 0xfb, 7, 1, 0x1a);
        await assert.rejects(
          bench.runtime.compile(arrays, { memoryLimit: 65536 }),
          hasCode("unsupported", /garbage-collected arrays/),
        );
      });

    test("a runtime has the capabilities that its configuration was said to have", () => {
      assert.deepEqual(bench.runtime.capabilities, capabilities);
    });

    test("what other threads use of it is there if the table says so", async () => {
      const compiled = await bench.runtime.compile(wat("(module)"));
      assert.equal(compiled.share !== undefined, capabilities.sharedCompile, "share");
      assert.equal(bench.runtime.adopt !== undefined, capabilities.sharedCompile, "adopt");
      assert.ok(bench.runtime.interrupt !== undefined || !capabilities.interrupt, "interrupt");
    });

    test("it has components if the table says so", () => {
      assert.equal(bench.runtime.components !== undefined, capabilities.components !== "none");
    });
  });
}
