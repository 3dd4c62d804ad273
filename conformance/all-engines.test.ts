/** All engines side by side under one roof, each with guests that trap, again and again: what one does is not felt by another. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { WasmPlugin } from "../packages/otelwasm/src/plugin/plugin.ts";
import { guest, imports } from "../packages/otelwasm/src/plugin/testing/guests.ts";
import { BUILT_IN } from "../packages/otelwasm/src/runtime/engines.ts";
import { capabilitiesOf, factoryOf } from "../packages/otelwasm/src/runtime/registry.ts";
import { needsEngine } from "../packages/otelwasm/src/runtime/testing/engines.ts";

const ROUNDS = 300;

/** One way to trap for each length of what it gets; anything longer comes back as it is. */
const TRAPS = [
  ["unreachable", "unreachable executed"],
  ["(drop (i32.load (i32.const -1)))", "memory access out of bounds"],
  ["(drop (i32.div_u (i32.const 1) (i32.const 0)))", "integer divide by zero"],
  ["(drop (call $consume_logs (local.get $pointer) (local.get $size)))", "call stack exhausted"],
] as const;

const FRAGILE = guest({
  imports: imports("set_result_traces", "set_result_metrics", "set_result_logs"),
  consume: `${TRAPS.map(([code], index) => `(if (i32.eq (local.get $size) (i32.const ${index + 1})) (then ${code}))`).join("\n")}
    (call $set_result_SIGNAL (local.get $pointer) (local.get $size)) (i32.const 0)`,
});

const types = BUILT_IN.filter((type) => factoryOf(type)!.missing?.(undefined) === undefined);

describe("all engines at once", () => {
  // So that those which are not here are said.
  for (const type of BUILT_IN) test(`${type} is among them`, needsEngine(type), () => assert.ok(types.includes(type)));

  describe("in one collector's process", () => {
    const plugins: { readonly name: string; readonly plugin: WasmPlugin }[] = [];
    before(async () => {
      for (const type of types)
        for (const isolation of capabilitiesOf({ type })!.capabilities.isolations) {
          const name = `${type}, ${isolation}`;
          const plugin = await WasmPlugin.load({
            id: `wasm/${name}`,
            role: "processor",
            signals: ["logs"],
            runtimeConfig: { type },
            isolation,
            restart: { maxRestarts: ROUNDS * TRAPS.length * 2 },
            binary: FRAGILE,
          });
          await plugin.start();
          plugins.push({ name, plugin });
        }
    });
    after(() => Promise.all(plugins.map(({ plugin }) => plugin.shutdown())));

    test(`${ROUNDS} rounds, each with a trap of each: the same words from all, and the next batch comes back`, async () => {
      for (let round = 0; round < ROUNDS; round++) {
        // A process takes its time to be made anew: those take part in some rounds.
        const present = plugins.filter(({ name }) => !name.endsWith("process") || round % 20 === 0);
        const [, words] = TRAPS[round % TRAPS.length]!;
        const size = (round % TRAPS.length) + 1;
        await Promise.all(
          present.map(async ({ name, plugin }) => {
            await assert.rejects(plugin.consume({ signal: "logs", bytes: new Uint8Array(size) }), (error) => {
              assert.ok(error instanceof Error && error.message.includes(words), `${name}: ${error}`);
              return true;
            });
            const results = await plugin.consume({ signal: "logs", bytes: new Uint8Array(10).fill(round & 0xff) });
            assert.deepEqual([...results![0]!], Array<number>(10).fill(round & 0xff), name);
          }),
        );
      }
    });
  });
});
