import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { BASIC_CAPABILITIES } from "../runtime/capabilities.ts";
import type { CompiledModule, Runtime } from "../runtime/contract.ts";
import { create, register } from "../runtime/registry.ts";
import "../runtime/engines.ts";
import { wat } from "../runtime/testing/wat.ts";
import { ECHO, guest, guestText } from "./testing/guests.ts";
import { largeGuest } from "./testing/large.ts";
import { failure, inEachIsolation, load } from "./testing/load.ts";

const events: string[] = [];

/** The embedded engine, which says what is asked of it. Workers do not know it: to them it hands modules as to itself. */
register("told", {
  capabilities: () => ({ ...BASIC_CAPABILITIES, deadline: false, memoryLimit: true }),
  validate: () => [],
  async create(): Promise<Runtime> {
    const runtime = await create();
    events.push("create");
    return {
      type: "told",
      capabilities: runtime.capabilities,
      compile(binary, options): Promise<CompiledModule> {
        events.push("compile");
        return runtime.compile(binary, options);
      },
      instantiateWithHost: (...args) => runtime.instantiateWithHost(...args),
      close(): Promise<void> {
        events.push("close");
        return runtime.close();
      },
    };
  },
});

const INLINE = { isolation: "inline", runtimeConfig: { type: "told" } } as const;

describe("one compiled module", () => {
  beforeEach(() => {
    events.length = 0;
  });

  test("serves all plugins of the same bytes, whoever loads them when; the last one closes it", async () => {
    const first = await Promise.all([load(guest(ECHO), INLINE), load(guest(ECHO), { ...INLINE, id: "wasm/other" })]);
    const later = await load(guest(ECHO), { ...INLINE, pluginConfig: { other: true }, signals: ["traces"] });
    assert.deepEqual(events, ["create", "compile"]);
    await Promise.all(first.map(({ plugin }) => plugin.shutdown()));
    await later.plugin.start();
    assert.deepEqual(await later.consume([1, 2], "traces"), [[1, 2]]);
    assert.deepEqual(events, ["create", "compile"]);
    await later.plugin.shutdown();
    assert.deepEqual(events, ["create", "compile", "close"]);
  });

  test("is compiled anew when nobody has it any more", async () => {
    for (let round = 0; round < 2; round++) await (await load(guest(), INLINE)).plugin.shutdown();
    assert.deepEqual(
      events,
      [...Array(2)].flatMap(() => ["create", "compile", "close"]),
    );
  });

  test("is another for other bytes, another limit of memory, another configuration of the engine", async () => {
    const bytes = guest();
    const loaded = await Promise.all([
      load(bytes, INLINE),
      load(wat(guestText({ telemetry: 3 })), INLINE),
      load(bytes, { ...INLINE, limits: { memoryBytes: 1 << 20 } }),
      load(bytes, { ...INLINE, runtimeConfig: { type: "told", told: { other: true } } }),
    ]);
    assert.equal(events.filter((event) => event === "compile").length, 4);
    await Promise.all(loaded.map(({ plugin }) => plugin.shutdown()));
    assert.equal(events.filter((event) => event === "close").length, 4);
  });

  test("that does not compile is told to each, and not kept", async () => {
    const broken = guest().slice(0, 60);
    const errors = await Promise.all([
      failure(load(broken, INLINE)),
      failure(load(broken, { ...INLINE, id: "wasm/b" })),
    ]);
    assert.deepEqual(events, ["create", "compile", "close"]);
    assert.match(errors[0].message, /wasm\/test/);
    assert.match(errors[1].message, /wasm\/b/);
    await failure(load(broken, INLINE));
    assert.equal(events.filter((event) => event === "compile").length, 2);
  });

  test("that is no plugin is released", async () => {
    await failure(load(wat("(module)"), INLINE));
    assert.deepEqual(events, ["create", "compile", "close"]);
  });
});

inEachIsolation(() => {
  test("plugins of one module have nothing else in common", async () => {
    const counting = guest({
      ...ECHO,
      fields: "(global $calls (mut i32) (i32.const 0))",
      consume: `(global.set $calls (i32.add (global.get $calls) (i32.const 1)))
        (i32.store8 (i32.const 16) (global.get $calls))
        (call $set_result_SIGNAL (i32.const 16) (i32.const 1)) (i32.const 0)`,
    });
    await using first = await load(counting);
    await using second = await load(counting);
    await Promise.all([first.plugin.start(), second.plugin.start()]);
    assert.deepEqual([await first.consume([0]), await first.consume([0])], [[[1]], [[2]]]);
    await first.plugin.shutdown();
    assert.deepEqual(await second.consume([0]), [[1]], "it goes on when the other is gone");
  });
});

test("a module of 50 MB starts, once compiled for three plugins in threads of their own", async () => {
  const binary = largeGuest(guest(ECHO), 50_000_000);
  assert.ok(binary.length > 49_000_000);
  const loaded = await Promise.all(["traces", "metrics", "logs"].map(() => load(binary)));
  await Promise.all(loaded.map(({ plugin }) => plugin.start()));
  for (const { consume } of loaded) assert.deepEqual(await consume([1, 2, 3]), [[1, 2, 3]]);
  await Promise.all(loaded.map(({ plugin }) => plugin.shutdown()));
});
