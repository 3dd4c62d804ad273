/** What every engine that runs components must do. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import {
  type CompiledComponent,
  ComponentFailure,
  type ComponentFlags,
  type ComponentHost,
  type ComponentInstance,
  type ComponentRuntime,
  type ComponentValue,
} from "./component.ts";
import type { CompileOptions, Runtime } from "./contract.ts";
import { hasCode } from "./testing/bench.ts";
import { component } from "./testing/component.ts";

const WIT = `
package test:values@1.0.0;
interface host {
  enum level { low, high }
  tell: func(level: level, text: string, data: list<u8>);
  ask: func() -> bool;
}
interface guest {
  flags colours { red, green, dark-blue }
  variant refusal { busy, bad(string) }
  get-flags: func() -> colours;
  echo: func(data: list<u8>) -> result<option<list<list<u8>>>, refusal>;
  length: func(text: string) -> u32;
  call-host: func() -> bool;
  trap: func(kind: u32);
  grow: func(pages: u32) -> s32;
}
world values { import host; export guest; }
`;

const GUEST = "test:values/guest@1.0.0";
const HOST = "test:values/host@1.0.0";

/**
 * `echo` gives the bytes twice; without bytes nothing; and errors where the first byte is 1 or 2. Results lie at 64, lists of them at 128, texts from 512 on.
 */
const module = (memory: string, more = ""): string => `(module
  (type $unary (func (param i32)))
  (import "${HOST}" "tell" (func $tell (param i32 i32 i32 i32 i32)))
  (import "${HOST}" "ask" (func $ask (result i32)))
  (memory (export "memory") ${memory})
  (table 1 funcref)
  (global $next (mut i32) (i32.const 1024))
  (data (i32.const 512) "h\\c3\\a9llo")
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (local $at i32)
    (local.set $at (global.get $next))
    (global.set $next (i32.add (local.get $at) (i32.and (i32.add (local.get 3) (i32.const 7)) (i32.const -8))))
    (local.get $at))
  (func (export "${GUEST}#get-flags") (result i32) (i32.const 5))
  (func (export "${GUEST}#echo") (param $at i32) (param $size i32) (result i32)
    (memory.fill (i32.const 64) (i32.const 0) (i32.const 64))
    (if (i32.ne (local.get $size) (i32.const 0)) (then
      (if (i32.lt_u (i32.load8_u (local.get $at)) (i32.const 3)) (then
        (i32.store8 (i32.const 64) (i32.const 1))
        (i32.store8 (i32.const 68) (i32.sub (i32.load8_u (local.get $at)) (i32.const 1)))
        (i32.store (i32.const 72) (i32.const 512))
        (i32.store (i32.const 76) (i32.const 6)))
      (else
        (i32.store8 (i32.const 68) (i32.const 1))
        (i32.store (i32.const 72) (i32.const 128))
        (i32.store (i32.const 76) (i32.const 2))
        (i32.store (i32.const 128) (local.get $at))
        (i32.store (i32.const 132) (local.get $size))
        (i32.store (i32.const 136) (local.get $at))
        (i32.store (i32.const 140) (local.get $size))))))
    (i32.const 64))
  (func (export "cabi_post_${GUEST}#echo") (param i32) (global.set $next (i32.const 1024)))
  (func (export "${GUEST}#length") (param i32 i32) (result i32) (local.get 1))
  (func (export "${GUEST}#call-host") (result i32)
    (call $tell (i32.const 1) (i32.const 512) (i32.const 6) (i32.const 513) (i32.const 2))
    (call $ask))
  (func $recurse (call $recurse))
  (func (export "${GUEST}#trap") (param $kind i32)
    (if (i32.eq (local.get $kind) (i32.const 0)) (then (unreachable)))
    (if (i32.eq (local.get $kind) (i32.const 1)) (then (drop (i32.load (i32.const -4)))))
    (if (i32.eq (local.get $kind) (i32.const 2)) (then (drop (i32.div_u (i32.const 1) (i32.const 0)))))
    (if (i32.eq (local.get $kind) (i32.const 3)) (then (call_indirect (type $unary) (i32.const 0) (i32.const 0))))
    (if (i32.eq (local.get $kind) (i32.const 4)) (then (call $recurse))))
  (func (export "${GUEST}#grow") (param i32) (result i32) (memory.grow (local.get 0)))
  ${more})`;

const TRAPS = ["unreachable", "out_of_bounds", "divide_by_zero", "indirect_call", "stack_overflow"] as const;

/** @param options of every test, see `needsEngine` */
export function componentSuite(
  name: string,
  createRuntime: () => Promise<Runtime>,
  options: { skip?: string } = {},
): void {
  describe(`${name}: components`, options, () => {
    let runtime: Runtime;
    let components: ComponentRuntime;
    let standard: CompiledComponent;
    const made: (CompiledComponent | ComponentInstance)[] = [];
    const heard: ComponentValue[][] = [];
    let answer: () => ComponentValue = () => true;
    const host: ComponentHost = {
      [HOST]: {
        tell: (...params) => {
          heard.push(params);
          return undefined;
        },
        ask: () => answer(),
      },
    };

    before(async () => {
      runtime = await createRuntime();
      assert.ok(runtime.components, "the engine has no components");
      components = runtime.components;
      standard = await compile(module("1"));
    });
    after(async () => {
      for (const each of made.reverse()) await each.close();
      await runtime.close();
    });

    const compile = async (text: string, options: CompileOptions = {}): Promise<CompiledComponent> => {
      const compiled = await components.compile(await component({ module: text, wit: WIT, world: "values" }), options);
      made.push(compiled);
      return compiled;
    };
    const instantiate = async (compiled = standard): Promise<ComponentInstance> => {
      const instance = await components.instantiate(compiled, host);
      made.push(instance);
      return instance;
    };
    const call = (instance: ComponentInstance, name: string, ...params: ComponentValue[]): ComponentValue => {
      const found = instance.function(GUEST, name);
      assert.ok(found, `no function ${name}`);
      return found(...params);
    };
    const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

    test("names of imports and exports", () => {
      assert.deepEqual(standard.imports, [HOST]);
      assert.deepEqual(standard.exports, [GUEST]);
    });

    test("values go in and out", async () => {
      const instance = await instantiate();
      const set = Object.entries(call(instance, "get-flags") as ComponentFlags).filter(([, value]) => value);
      assert.deepEqual(set.map(([name]) => name).toSorted(), ["darkBlue", "red"]);
      assert.equal(call(instance, "length", "h\u00e9llo"), 6);
      assert.equal(call(instance, "length", ""), 0);
      assert.deepEqual(call(instance, "echo", bytes()), undefined);
      assert.deepEqual(call(instance, "echo", bytes(9, 255, 0)), [bytes(9, 255, 0), bytes(9, 255, 0)]);
    });

    test("bytes of a part of a buffer, and many of them", async () => {
      const instance = await instantiate(await compile(module("64")));
      const large = new Uint8Array(300_000).map((_, at) => (at % 251) | 4).subarray(17, 299_999);
      for (let round = 0; round < 3; round++) assert.deepEqual(call(instance, "echo", large), [large, large]);
    });

    test("the error of a result is no trap", async () => {
      const instance = await instantiate();
      const failure = (payload: ComponentValue) => (error: unknown) => {
        assert.ok(error instanceof ComponentFailure, String(error));
        assert.equal(JSON.stringify(error.payload), JSON.stringify(payload));
        return true;
      };
      assert.throws(() => call(instance, "echo", bytes(1)), failure({ tag: "busy" }));
      assert.throws(() => call(instance, "echo", bytes(2)), failure({ tag: "bad", val: "h\u00e9llo" }));
      assert.deepEqual(call(instance, "echo", bytes(7)), [bytes(7), bytes(7)]);
    });

    test("host functions get values and give them", async () => {
      const instance = await instantiate();
      heard.length = 0;
      assert.equal(call(instance, "call-host"), true);
      answer = () => false;
      assert.equal(call(instance, "call-host"), false);
      assert.deepEqual(heard[0], ["high", "h\u00e9llo", bytes(0xc3, 0xa9)]);
      assert.equal(heard.length, 2);
    });

    test("what a host function throws comes out as it was thrown", async () => {
      const instance = await instantiate();
      const thrown = new TypeError("of the host");
      answer = () => {
        throw thrown;
      };
      assert.throws(
        () => call(instance, "call-host"),
        (error) => error === thrown,
      );
    });

    for (const [kind, code] of TRAPS.entries())
      test(`a trap: ${code}`, async () => {
        const instance = await instantiate();
        assert.throws(() => call(instance, "trap", kind), hasCode(code));
      });

    test("a list that is not aligned as its type is traps", async () => {
      const text = module("1").replace(
        "(i32.store (i32.const 72) (i32.const 128))",
        "(i32.store (i32.const 72) (i32.const 129))",
      );
      const instance = await instantiate(await compile(text));
      assert.throws(() => call(instance, "echo", bytes(7)), hasCode("trap"));
    });

    test("memory grows to its limit and not beyond", async () => {
      const compiled = await compile(module("1"), { memoryLimit: 3 * 65536 });
      const instance = await instantiate(compiled);
      assert.equal(call(instance, "grow", 2), 1);
      assert.equal(call(instance, "grow", 1), -1);
    });

    test("more memory than it may have from the beginning", async () => {
      await assert.rejects(async () => {
        await instantiate(await compile(module("5"), { memoryLimit: 3 * 65536 }));
      }, hasCode("memory_limit"));
    });

    test("a trap while it is instantiated", async () => {
      const compiled = await compile(module("1", "(func $start (unreachable)) (start $start)"));
      await assert.rejects(instantiate(compiled), hasCode("unreachable"));
    });

    test("an interface that the host does not offer", async () => {
      await assert.rejects(
        components.instantiate(standard, {}),
        hasCode("link", /does not offer test:values\/host@1\.0\.0/),
      );
    });

    test("a function that the host's interface has not", async () => {
      const less = { [HOST]: { tell: () => undefined } };
      await assert.rejects(components.instantiate(standard, less), hasCode("link", /ask/));
    });

    test("functions that are not there", async () => {
      const instance = await instantiate();
      assert.equal(instance.function(GUEST, "other"), undefined);
      assert.equal(instance.function("test:values/other@1.0.0", "echo"), undefined);
    });

    test("what is adopted works as what was compiled", async () => {
      const adopted = components.adopt(structuredClone(standard.share()));
      made.push(adopted);
      assert.deepEqual(adopted.exports, standard.exports);
      assert.equal(call(await instantiate(adopted), "length", "four"), 4);
    });

    test("two instances share nothing", async () => {
      const [one, two] = [await instantiate(), await instantiate()];
      assert.equal(call(one, "grow", 1), 1);
      assert.equal(call(two, "grow", 1), 1);
      assert.throws(() => call(one, "trap", 0), hasCode("unreachable"));
      assert.equal(call(two, "length", "two"), 3);
    });

    test("a closed instance", async () => {
      const instance = await instantiate();
      const length = instance.function(GUEST, "length");
      await instance.close();
      assert.throws(() => length?.("x"), hasCode("closed"));
      await instance.close();
    });

    test("bytes that are no valid component", async () => {
      const binary = await component({ module: module("1"), wit: WIT, world: "values" });
      await assert.rejects(components.compile(binary.subarray(0, binary.length - 3)), hasCode("invalid_module"));
      const broken = Buffer.from(binary);
      // The version of the core module in it.
      broken[broken.indexOf("\0asm", 8) + 4] = 9;
      await assert.rejects(components.compile(broken), hasCode("invalid_module"));
      await assert.rejects(runtime.compile(binary), hasCode("unsupported", /component/));
    });
  });
}
