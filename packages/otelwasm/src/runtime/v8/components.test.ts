import assert from "node:assert/strict";
import { registerHooks } from "node:module";
import { describe, test } from "node:test";
import { parse } from "@bytecodealliance/jco-transpile/wasm-tools";
import { componentSuite } from "../component.suite.ts";
import { create } from "../registry.ts";
import { hasCode } from "../testing/bench.ts";
import "../engines.ts";

componentSuite("v8", () => create({ type: "v8" }));

/** Components in the text format, of a shape that toolchains do not make. */
async function components(): Promise<NonNullable<Awaited<ReturnType<typeof create>>["components"]>> {
  const runtime = await create({ type: "v8" });
  assert.ok(runtime.components);
  return runtime.components;
}

describe("v8: components that are not to be trusted", () => {
  const EVIL = "'+(globalThis.escaped=1)+'";

  for (const [where, text] of [
    [
      "an export of a core module",
      `(component
        (core module $m (func (export "f${EVIL}") (result i32) (i32.const 1)))
        (core instance $i (instantiate $m))
        (func (export "f") (result u32) (canon lift (core func $i "f${EVIL}"))))`,
    ],
    [
      "an import of a core module",
      `(component
        (core module $m (import "${EVIL}" "g" (func $g)) (func (export "f") (result i32) (call $g) (i32.const 1)))
        (core module $h (func (export "g")))
        (core instance $hi (instantiate $h))
        (core instance $i (instantiate $m (with "${EVIL}" (instance $hi))))
        (func (export "f") (result u32) (canon lift (core func $i "f"))))`,
    ],
    ["an import of the component", `(component (import "relative-url=<${EVIL}>" (func)))`],
  ] as const)
    test(`${where} cannot reach the host's JavaScript by its name`, async () => {
      await assert.rejects(
        async () => (await components()).compile(await parse(text)),
        hasCode("unsupported", /has the name ".*'\+/),
      );
    });

  test("several memories would each have the whole limit", async () => {
    const runtime = await components();
    const compiled = await runtime.compile(
      await parse(`(component
        (core module $m (memory 1) (func (export "f")))
        (core instance $a (instantiate $m))
        (core instance $b (instantiate $m))
        (func (export "f") (canon lift (core func $a "f")))
        (func (export "g") (canon lift (core func $b "f"))))`),
      { memoryLimit: 65536 },
    );
    await assert.rejects(runtime.instantiate(compiled, {}), hasCode("unsupported", /several linear memories/));
  });
});

test("v8: without the transpiler, what to install is said", async () => {
  const hidden = registerHooks({
    resolve(specifier, context, next) {
      if (specifier !== "@bytecodealliance/jco-transpile") return next(specifier, context);
      throw Object.assign(new Error(`no package ${specifier}`), { code: "ERR_MODULE_NOT_FOUND" });
    },
  });
  try {
    await assert.rejects(
      async () => (await components()).compile(await parse("(component)")),
      hasCode("unsupported", /is not installed: npm install @bytecodealliance\/jco-transpile/),
    );
  } finally {
    hidden.deregister();
  }
});
