import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { formatFunctionType, parseModule } from "./binary.ts";
import { exportStart, limitMemory } from "./binary-rewrite.ts";
import { WasmError } from "./errors.ts";
import { wat } from "./testing/wat.ts";

const HEADER = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];

function section(id: number, ...content: number[]): number[] {
  assert.ok(content.length < 128);
  return [id, content.length, ...content];
}

function module(...sections: number[][]): Uint8Array {
  return Uint8Array.from([...HEADER, ...sections.flat()]);
}

const EVERYTHING = wat(`(module
  (import "env" "f" (func (param i32 i64 f32 f64 v128 externref) (result funcref)))
  (import "env" "f" (func (param i32 i64 f32 f64 v128 externref) (result funcref)))
  (import "env" "t" (table 1 2 funcref))
  (import "env" "g" (global (mut i64)))
  (import "env" "tag" (tag (param i32)))
  (memory (export "memory") 3 7)
  (global (export "global") i32 (i32.const 0))
  (table (export "table") 1 funcref)
  (func $start)
  (func (export "two") (param i32) (result i32 i64) (i32.const 1) (i64.const 2))
  (start $start)
)`);

test("imports, exports, memories and the start function", () => {
  const { imports, exports, memories, start } = parseModule(EVERYTHING);
  const f = { params: ["i32", "i64", "f32", "f64", "v128", "ref"], results: ["ref"] };
  assert.deepEqual(imports, [
    { module: "env", name: "f", kind: "function", type: f },
    { module: "env", name: "f", kind: "function", type: f },
    { module: "env", name: "t", kind: "table" },
    { module: "env", name: "g", kind: "global" },
    { module: "env", name: "tag", kind: "tag" },
  ]);
  assert.deepEqual(exports, [
    { name: "memory", kind: "memory", type: { minimum: 3, maximum: 7, shared: false, index64: false } },
    { name: "global", kind: "global" },
    { name: "table", kind: "table" },
    { name: "two", kind: "function", type: { params: ["i32"], results: ["i32", "i64"] } },
  ]);
  assert.deepEqual(memories, [{ minimum: 3, maximum: 7, shared: false, index64: false }]);
  assert.equal(start, 2);
});

test("memories that are imported, shared or 64-bit", () => {
  const imported = parseModule(wat('(module (import "env" "memory" (memory 1 2)) (export "memory" (memory 0)))'));
  assert.deepEqual(imported.exports, [
    { name: "memory", kind: "memory", type: { minimum: 1, maximum: 2, shared: false, index64: false } },
  ]);
  assert.deepEqual(parseModule(wat("(module (memory 1 2 shared))")).memories, [
    { minimum: 1, maximum: 2, shared: true, index64: false },
  ]);
  assert.deepEqual(parseModule(wat("(module (memory i64 1))")).memories, [
    { minimum: 1, shared: false, index64: true },
  ]);
});

test("GC's type forms are passed, their references are ref", () => {
  const binary = module(
    section(
      1,
      2, // two elements
      ...[0x4e, 3], // rec group of
      ...[0x50, 0, 0x5f, 2, 0x78, 1, 0x63, 0x6e, 0], // sub: struct { mut i8, ref null any }
      ...[0x4f, 1, 0, 0x5e, 0x77, 1], // sub final of 0: array of mut i16
      ...[0x60, 2, 0x64, 0, 0x6e, 0], // func (ref 0, anyref)
      ...[0x60, 1, 0x7f, 1, 0x7e], // func (i32) -> (i64)
    ),
    section(3, 2, 2, 3),
    section(7, 2, 1, 0x61, 0, 0, 1, 0x62, 0, 1),
    section(10, 2, 3, 0, 0x00, 0x0b, 4, 0, 0x42, 0x00, 0x0b),
  );
  const types = parseModule(binary).exports.map((item) => item.kind === "function" && formatFunctionType(item.type));
  assert.deepEqual(types, ["(ref, ref) -> ()", "(i32) -> (i64)"]);
});

test("custom sections are named, unknown sections passed, and both keep their place", () => {
  const binary = module(section(0, 4, 0x6e, 0x61, 0x6d, 0x65, 9, 9), section(99, 1, 2, 3), section(1, 1, 0x60, 0, 0));
  const { customSections, sections } = parseModule(binary);
  assert.deepEqual(customSections, ["name"]);
  assert.deepEqual(sections, [
    { id: 0, start: 8, content: 10, end: 17 },
    { id: 99, start: 17, content: 19, end: 22 },
    { id: 1, start: 22, content: 24, end: 28 },
  ]);
});

function refused(binary: Uint8Array, code: string, message: RegExp): void {
  assert.throws(
    () => parseModule(binary),
    (error) => error instanceof WasmError && error.code === code && message.test(error.message),
  );
}

test("what is not a module says what it is", () => {
  refused(new Uint8Array(0), "invalid_module", /does not begin with/);
  refused(new TextEncoder().encode("(module)"), "invalid_module", /does not begin with/);
  refused(Uint8Array.of(0, 0x61, 0x73, 0x6d, 2, 0, 0, 0), "invalid_module", /version 2/);
  refused(Uint8Array.of(0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0), "unsupported", /a component, not a core module/);
  refused(module(section(1, 1, 0x4a)), "unsupported", /type form 0x4a/);
  refused(module(section(1, 1, 0x60, 1, 0x41, 0)), "unsupported", /value type 0x41/);
  refused(module(section(1, 1, 0x60, 1, 0x10, 0)), "invalid_module", /value type 0x10/);
  refused(module(section(1, 1, 0xe0, 0x7f, 0, 0)), "invalid_module", /type form 0xe0/);
  refused(Uint8Array.of(0, 0x61, 0x73, 0x6d, 0, 0, 0, 1), "invalid_module", /layer 256/);
});

test("hostile bytes are refused with the place", () => {
  refused(module([1, 0x80, 0x80, 0x80, 0x80, 0x10]), "invalid_module", /integer is longer than 32 bits/);
  refused(module([1, 100]), "invalid_module", /100 bytes run past the end/);
  refused(
    module(section(1, 0xff, 0xff, 0xff, 0xff, 0x0f)),
    "invalid_module",
    /vector of 4294967295 elements runs past/,
  );
  refused(module(section(2, 1, 2, 0xff, 0xfe)), "invalid_module", /not UTF-8/);
  refused(module(section(7, 1, 1, 0x61, 0, 5)), "invalid_module", /function 5, which does not exist/);
  refused(module(section(7, 1, 1, 0x61, 2, 5)), "invalid_module", /memory 5, which does not exist/);
  refused(module(section(7, 1, 1, 0x61, 9, 0)), "invalid_module", /unknown kind 9/);
  refused(module(section(2, 1, 1, 0x61, 1, 0x62, 9)), "invalid_module", /unknown kind 9/);
  refused(module(section(5, 1, 0x40, 1)), "invalid_module", /unknown flags 0x40/);
  refused(module(section(5, 0), section(4, 0)), "invalid_module", /number 4 after number 5/);
  refused(module(section(4, 0), section(0, 1, 0x61), section(4, 0)), "invalid_module", /number 4 after number 4/);
  refused(module(section(11, 0), section(10, 0)), "invalid_module", /number 10 after number 11/);
  refused(module(section(1, 1, 0x5e, 0x63, 0xff, 0xff, 0xff, 0xff, 0xff, 1)), "invalid_module", /longer than 33 bits/);
});

test("any bytes give a report or a WasmError", () => {
  const mutated = fc
    .array(fc.record({ at: fc.nat({ max: EVERYTHING.length - 1 }), byte: fc.nat({ max: 255 }) }), {
      minLength: 1,
      maxLength: 6,
    })
    .map((changes) => {
      const bytes = EVERYTHING.slice();
      for (const { at, byte } of changes) bytes[at] = byte;
      return bytes;
    });
  const truncated = fc.nat({ max: EVERYTHING.length - 1 }).map((end) => EVERYTHING.subarray(0, end));
  const noise = fc.uint8Array({ maxLength: 200 }).map((bytes) => Uint8Array.from([...HEADER, ...bytes]));
  fc.assert(
    fc.property(fc.oneof(mutated, truncated, noise), (bytes) => {
      try {
        assert.ok(parseModule(bytes).sections.length >= 0);
      } catch (error) {
        assert.ok(error instanceof WasmError, String(error));
      }
    }),
    { numRuns: 3000 },
  );
});

test("exportStart moves the start function to an export, with and without an export section", () => {
  for (const text of [
    "(module (func) (func $s) (memory 1) (start $s))",
    '(module (func (export "a")) (func $s) (memory (export "m") 1) (start $s) (data (i32.const 0) "x"))',
  ]) {
    const binary = wat(text);
    const before = parseModule(binary);
    const after = parseModule(exportStart(binary, before, "s".repeat(200)));
    assert.equal(after.start, undefined);
    assert.deepEqual(after.exports, [
      ...before.exports,
      { name: "s".repeat(200), kind: "function", type: { params: [], results: [] } },
    ]);
    const others = (info: typeof before): number[] =>
      info.sections.map(({ id }) => id).filter((id) => id !== 7 && id !== 8);
    assert.deepEqual(others(after), others(before));
  }
});

test("exportStart leaves a module without a start function as it is", () => {
  const binary = wat("(module (func))");
  assert.equal(exportStart(binary, parseModule(binary), "s"), binary);
});

test("limitMemory passes a table's initial value, whatever it is made of", () => {
  for (const value of [
    [0xd0, 0x6c],
    [0x41, 0xc0, 0, 0xfb, 28],
    [0x41, 1, 0x41, 0x7f, 0x6a, 0xfb, 28],
    [0x42, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0, 0x23, 0x80, 1, 0xfb, 0, 3],
    [0x43, 0x0b, 0x0b, 0x0b, 0x0b, 0x44, ...Array<number>(8).fill(0x0b), 0xfd, 12, ...Array<number>(16).fill(0x0b)],
    [0xd2, 0, 0xd2, 0, 0xfb, 8, 0x80, 1, 2],
  ]) {
    const table = (limits: number[]): Uint8Array =>
      module(section(4, 2, 0x40, 0, 0x6c, ...limits, ...value, 0x0b, 0x70, 1, 1, 2));
    const binary = table([0, 1]);
    const most = [0xbe, 0x84, 0x3d]; // 999,998: two are the other's
    assert.deepEqual(limitMemory(binary, parseModule(binary), 0), table([1, 1, ...most]), String(value));
  }
  const call = module(section(4, 1, 0x40, 0, 0x70, 0, 1, 0x10, 0, 0x0b));
  assert.throws(
    () => limitMemory(call, parseModule(call), 0),
    (error) => error instanceof WasmError && error.code === "unsupported" && /instruction 0x10/.test(error.message),
  );
});
