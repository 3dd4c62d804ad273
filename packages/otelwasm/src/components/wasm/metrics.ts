import type { ObservableCounter } from "@opentelemetry/api";
import type { ComponentSettings } from "../../component/factory.ts";
import type { PluginState, PluginStats } from "../../plugin/options.ts";
import type { WasmPlugin } from "../../plugin/plugin.ts";

/** Of each count: its metric, its unit (UCUM), and what it says. */
const COUNTERS: Readonly<Record<keyof PluginStats, readonly [name: string, unit: string, description: string]>> = {
  calls: ["calls", "{call}", "Batches handed to the plugin, or by a receiver's plugin handed out"],
  errors: ["errors", "{error}", "Calls that failed in any way"],
  traps: ["traps", "{trap}", "Calls that trapped"],
  deadlines: ["deadlines", "{call}", "Calls that were ended because they took too long"],
  restarts: ["restarts", "{restart}", "Instances that took the place of one that broke"],
  bytesIn: ["bytes_in", "By", "Bytes of the batches handed to the plugin"],
  bytesOut: ["bytes_out", "By", "Bytes of the batches that the plugin gave back or let pass"],
  rejected: ["rejected", "{batch}", "Batches answered with an error because the plugin is broken"],
  passedThrough: ["passed_through", "{batch}", "Batches passed on as they are because the plugin is broken"],
  dropped: ["dropped", "{batch}", "Batches dropped because the plugin is broken"],
  refused: ["refused", "{batch}", "Batches of a receiver's plugin that the pipeline refused for good"],
};
const KEYS = Object.keys(COUNTERS) as (keyof PluginStats)[];
const STATES: readonly PluginState[] = ["working", "restarting", "failed"];

/**
 * Makes what a plugin counts readable as metrics. They are read off when somebody asks: a call costs nothing more. They stay after the plugin was shut
 * down, so that the last counts can be read, until the service ends its metrics.
 */
export function measurePlugin({ meter, attributes }: ComponentSettings, plugin: WasmPlugin): void {
  const counters = KEYS.map((key): readonly [keyof PluginStats, ObservableCounter] => {
    const [name, unit, description] = COUNTERS[key];
    return [key, meter.createObservableCounter(`otelwasm_plugin_${name}`, { unit, description })];
  });
  const state = meter.createObservableGauge("otelwasm_plugin_state", {
    description: "1 for the state that the plugin is in, 0 for the others",
  });
  meter.addBatchObservableCallback(
    (result) => {
      const { stats } = plugin;
      for (const [key, counter] of counters) result.observe(counter, stats[key], attributes);
      for (const each of STATES) result.observe(state, plugin.state === each ? 1 : 0, { ...attributes, state: each });
    },
    [state, ...counters.map(([, counter]) => counter)],
  );
}
