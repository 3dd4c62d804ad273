import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "@bytecodealliance/jco-transpile/wasm-tools";
import fc from "fast-check";
import { coreModules, isComponent, parseComponent } from "./component-binary.ts";
import { WasmError } from "./errors.ts";
import { hasCode } from "./testing/bench.ts";
import { wat } from "./testing/wat.ts";

const PREAMBLE = [0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00];

/** Every kind of import and export that the binary format has, as its tools write them. */
const ALL = `(component
  (import "a-type" (type $t (sub resource)))
  (import "a-func" (func $f))
  (import "a:b/c@1.0.0" (instance $i (export "x" (func))))
  (import "a-component" (component $c))
  (import "a-module" (core module $m (import "" "" (func))))
  (core module $own (memory 1))
  (component $inner (core module (func)) (component (core module)))
  (export "t" (type $t))
  (export "f" (func $f))
  (export "b:c/d@2.0.0" (instance $i))
  (export "c" (component $c))
  (export "m" (core module $m))
  (export "g" (func $f) (func)))`;

test("a component is told from a core module by its preamble", () => {
  assert.equal(isComponent(Uint8Array.from(PREAMBLE)), true);
  assert.equal(isComponent(Uint8Array.from(PREAMBLE.slice(0, 7))), false);
  assert.equal(isComponent(wat("(module)")), false);
  assert.equal(isComponent(new Uint8Array(0)), false);
});

test("imports and exports of each kind", async () => {
  const { imports, exports } = parseComponent(await parse(ALL));
  assert.deepEqual(
    imports.map(({ kind, name }) => `${kind} ${name}`),
    ["type a-type", "function a-func", "instance a:b/c@1.0.0", "component a-component", "module a-module"],
  );
  assert.deepEqual(
    exports.map(({ kind, name }) => `${kind} ${name}`),
    ["type t", "function f", "instance b:c/d@2.0.0", "component c", "module m", "function g"],
  );
});

test("core modules, those of the components in it included", async () => {
  const found = coreModules(await parse(ALL));
  assert.deepEqual(
    found.map((module) => [...module.subarray(0, 8)]),
    [0, 1, 2].map(() => [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]),
  );
});

test("what is not known is said", () => {
  assert.throws(
    () => parseComponent(Uint8Array.from([0, 0x61, 0x73, 0x6d, 0x0e, 0, 1, 0])),
    hasCode("unsupported", /version 14/),
  );
  assert.throws(() => parseComponent(wat("(module)")), hasCode("invalid_module"));
  const imported = (...content: number[]): Uint8Array => Uint8Array.from([...PREAMBLE, 10, content.length, ...content]);
  assert.throws(() => parseComponent(imported(1, 9, 1, 0x61, 1, 0)), hasCode("unsupported", /name's form, 0x9/));
  assert.throws(() => parseComponent(imported(1, 0, 1, 0x61, 9, 0)), hasCode("unsupported", /item's kind, 0x9/));
  assert.throws(() => parseComponent(imported(1, 0, 9, 0x61)), hasCode("invalid_module"));
});

test("components in components without end", () => {
  let nested = PREAMBLE;
  for (let depth = 0; depth < 200; depth++) {
    const size = nested.length;
    nested = [...PREAMBLE, 4, (size & 0x7f) | 0x80, (size >> 7) & 0x7f, ...nested];
  }
  assert.throws(() => coreModules(Uint8Array.from(nested)), hasCode("unsupported", /nested more than 100 deep/));
});

test("any bytes are read or refused, never beyond their end", async () => {
  const valid = await parse(ALL);
  const parsed = (bytes: Uint8Array): void => {
    for (const read of [parseComponent, coreModules])
      try {
        read(bytes);
      } catch (error) {
        assert.ok(error instanceof WasmError, String(error));
      }
  };
  fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => parsed(Uint8Array.from([...PREAMBLE, ...bytes]))));
  fc.assert(
    fc.property(fc.nat(valid.length - 1), fc.nat(255), fc.nat(valid.length), (at, byte, end) => {
      const changed = valid.slice(0, Math.max(at + 1, end));
      changed[at] = byte;
      parsed(changed);
    }),
  );
});
