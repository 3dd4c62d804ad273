import assert from "node:assert/strict";
import type { Runtime } from "../contract.ts";
import { call, host } from "./bench.ts";
import { wat } from "./wat.ts";

const MODULE = '(module (import "env" "f" (func $f)) (memory (export "memory") 1) (func (export "g") (call $f)))';
const WARM_UP = 100;
const CYCLES = 1000;
const MAX_GROWN_BYTES = 64 * 2 ** 20;

/** Makes, uses and closes instances: the process must not be larger for it. */
export async function expectFlatMemory(runtime: Runtime): Promise<void> {
  const module = await runtime.compile(wat(MODULE));
  const cycle = async (times: number): Promise<void> => {
    for (let n = 0; n < times; n++) {
      const functions = [host("f", [], [], () => undefined)];
      const { instance, context } = await runtime.instantiateWithHost(module, { functions });
      call(instance, "g");
      instance.memory!.write(0, Uint8Array.of(1));
      await instance.close();
      await context.close();
    }
  };
  await cycle(WARM_UP);
  const before = process.memoryUsage.rss();
  await cycle(CYCLES);
  const grown = process.memoryUsage.rss() - before;
  assert.ok(grown < MAX_GROWN_BYTES, `${grown} bytes more after ${CYCLES} instances`);
  await module.close();
}
