import assert from "node:assert/strict";
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

type Overrides = Partial<Pick<PluginOptions, "id" | "role" | "signals" | "pluginConfig" | "runtimeConfig">>;

/** Loads a logs processor, not started yet. It is shut down when its scope ends. */
export async function load(binary: Uint8Array, overrides: Overrides = {}): Promise<Loaded> {
  const logger = new LineLogger();
  const plugin = await WasmPlugin.load({
    id: "wasm/test",
    role: "processor",
    signals: ["logs"],
    logger,
    ...overrides,
    binary,
  });
  return {
    plugin,
    lines: logger.lines,
    async consume(bytes, signal = "logs") {
      const results = await plugin.consume({ signal, bytes: Uint8Array.from(bytes) });
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
