import assert from "node:assert/strict";
import { before, describe } from "node:test";
import { ISOLATIONS, type Isolation } from "../../runtime/contract.ts";
import { capabilitiesOf } from "../../runtime/registry.ts";
import "../../runtime/engines.ts";
import type { Signal } from "../../telemetry/batch.ts";
import { PluginError } from "../errors.ts";
import type { PluginOptions } from "../options.ts";
import { WasmPlugin } from "../plugin.ts";
import { LineLogger } from "./guests.ts";

export interface Loaded extends AsyncDisposable {
  readonly plugin: WasmPlugin;
  readonly lines: string[];
  consume(bytes: ArrayLike<number>, signal?: Signal): Promise<number[][] | undefined>;
}

type Overrides = Partial<Omit<PluginOptions, "binary" | "path" | "logger">>;

let current: Isolation | undefined;

/** The engine that these tests run on: with OTELWASM_TEST_ENGINE, the same tests hold another one to what the embedded one does. */
const TEST_ENGINE: string = process.env.OTELWASM_TEST_ENGINE ?? "v8";

/** Where its guests can be. */
export const POSSIBLE: readonly Isolation[] = capabilitiesOf({ type: TEST_ENGINE })?.capabilities.isolations ?? [];

/** For long tables of what a guest may do: a process of its own has the same thread for it as a worker, and takes its time to start. */
export const THREADS: readonly Isolation[] = ["worker", "inline"];

/** What a process adds is the same for all engines that can be in a thread: the embedded one shows it, and so do tests that say where they run. */
const EVERYWHERE = TEST_ENGINE === "v8" || !POSSIBLE.includes("worker") ? ISOLATIONS : THREADS;

/** Where a guest can be ended from outside. */
export const APART: readonly Isolation[] = ["worker", "process"];

/** The same tests wherever guests can be: what `load` loads inside is isolated so. */
export function inEachIsolation(
  tests: (isolation: Isolation) => void,
  isolations: readonly Isolation[] = EVERYWHERE,
): void {
  for (const isolation of isolations.filter((isolation) => POSSIBLE.includes(isolation)))
    describe(`isolation ${isolation}`, () => {
      before(() => {
        current = isolation;
      });
      tests(isolation);
    });
}

/** A batch as it comes from a socket: a part of a larger buffer, which therefore stays the sender's. */
export function part(bytes: ArrayLike<number>): Uint8Array {
  const whole = new Uint8Array(bytes.length + 16);
  whole.set(bytes, 8);
  return whole.subarray(8, 8 + bytes.length);
}

/** Loads a logs processor, not started yet. It is shut down when its scope ends. */
export async function load(binary: Uint8Array, overrides: Overrides = {}): Promise<Loaded> {
  const logger = new LineLogger();
  const plugin = await WasmPlugin.load({
    id: "wasm/test",
    role: "processor",
    signals: ["logs"],
    logger,
    runtimeConfig: { type: TEST_ENGINE },
    ...(current === undefined ? {} : { isolation: current }),
    ...overrides,
    binary,
  });
  return {
    plugin,
    lines: logger.lines,
    async consume(bytes, signal = "logs") {
      const results = await plugin.consume({ signal, bytes: part(bytes) });
      return results?.map((result) => [...result]);
    },
    [Symbol.asyncDispose]: () => plugin.shutdown().catch(() => undefined),
  };
}

/** The same, started. */
export async function started(binary: Uint8Array, overrides: Overrides = {}): Promise<Loaded> {
  const loaded = await load(binary, overrides);
  await loaded.plugin.start();
  return loaded;
}

/** The PluginError that something fails with. */
export async function failure(work: Promise<unknown>): Promise<PluginError> {
  let caught: unknown;
  await work.then(
    () => assert.fail("it succeeded"),
    (error: unknown) => {
      caught = error;
    },
  );
  assert.ok(caught instanceof PluginError, `not a PluginError: ${caught}`);
  return caught;
}
