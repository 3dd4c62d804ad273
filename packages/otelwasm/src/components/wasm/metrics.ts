import type { ComponentSettings } from "../../component/factory.ts";
import type { EndReading, Histogram, Instrument } from "../../component/measuring.ts";
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

const STATE: Instrument = {
  name: "otelwasm_plugin_state",
  unit: "",
  description: "1 for the state that the plugin is in, 0 for the others",
};
const DURATION: Instrument = {
  name: "otelwasm_plugin_call_duration",
  unit: "s",
  description:
    "From when a batch was handed to the plugin until it was answered, waiting included; of a receiver, how long the pipeline took for a batch",
};
const MEMORY: Instrument = {
  name: "otelwasm_plugin_memory",
  unit: "By",
  description: "Linear memory of the plugin's instances",
};
const QUEUE: Instrument = {
  name: "otelwasm_plugin_queue_calls",
  unit: "{call}",
  description: "Calls that run in an instance, and calls that wait for one",
};

/** 1 us to 10 s, three for each power of ten: a call into an embedded guest takes some microseconds, a deadline is seconds. */
const BOUNDARIES: readonly number[] = [
  ...[-6, -5, -4, -3, -2, -1, 0].flatMap((exponent) => [1, 2.5, 5].map((first) => Number(`${first}e${exponent}`))),
  10,
];

/** How a plugin runs, as it stands in its series. */
export interface PluginPlace {
  /** `runtime_config::type` */
  readonly runtime: string;
  readonly isolation: string;
}

/** Own metrics of one plugin. */
export interface PluginMetrics {
  /** What the plugin records its calls in; undefined: the level does not have it. */
  readonly durations: Histogram | undefined;
  /** Makes what it counts readable, as it is when somebody asks: a call costs nothing more. */
  show(plugin: WasmPlugin): void;
  /** The plugin was shut down: its counts stay, and what is only there while it works goes. */
  end(): void;
}

/** @returns undefined: nothing is measured */
export function measurePlugin(
  { measuring, attributes: own }: ComponentSettings,
  { runtime, isolation }: PluginPlace,
): PluginMetrics | undefined {
  if (measuring === undefined) return undefined;
  const attributes = { ...own, "otelwasm.runtime": runtime, "otelwasm.isolation": isolation };
  const more = measuring.level !== "basic";
  const receives = own["otelcol.component.kind"] === "receiver";
  const ends: EndReading[] = [];
  return {
    durations: more ? measuring.histogram(DURATION, attributes, BOUNDARIES) : undefined,
    show(plugin) {
      for (const key of KEYS) {
        const [name, unit, description] = COUNTERS[key];
        const instrument = { name: `otelwasm_plugin_${name}`, unit, description };
        ends.push(measuring.observeCounter(instrument, attributes, () => plugin.stats[key]));
      }
      for (const state of STATES)
        ends.push(measuring.observeGauge(STATE, { ...attributes, state }, () => (plugin.state === state ? 1 : 0)));
      if (!more) return;
      ends.push(measuring.observeGauge(MEMORY, attributes, () => plugin.memoryBytes));
      if (receives) return;
      for (const state of ["running", "waiting"] as const)
        ends.push(measuring.observeGauge(QUEUE, { ...attributes, state }, () => plugin.queue[state]));
    },
    end() {
      for (const end of ends.splice(0)) end();
    },
  };
}
