/**
 * What own metrics cost a batch: from the check of a request's body through a pipeline to its answer, with and without them, in one process and in turn, without
 * sockets. Beside it what a whole collector's process takes for such a request over HTTP and over gRPC (`collector/measure.ts`), in the same run, and the cost as a part of that.
 *
 * The least of many short rounds, whose order alternates: what the machine's other work takes away is nobody's. `node benchmarks/telemetry.ts` prints the table.
 */
import { buildAttributesPlugin } from "../examples/attributes/build.ts";
import type { Consumer } from "../packages/otelwasm/src/component/component.ts";
import type { ComponentSettings } from "../packages/otelwasm/src/component/factory.ts";
import type { Measuring } from "../packages/otelwasm/src/component/measuring.ts";
import { settingsWith } from "../packages/otelwasm/src/component/testing/settings.ts";
import { Intake, type Reply } from "../packages/otelwasm/src/components/otlp/intake.ts";
import { wasmProcessorFactory } from "../packages/otelwasm/src/components/wasm/index.ts";
import { countIncoming, countOutgoing } from "../packages/otelwasm/src/service/counting.ts";
import { SeriesStore } from "../packages/otelwasm/src/service/metrics/series.ts";
import { buildPayload } from "../packages/otelwasm/src/telemetry/testing/payload.ts";
import { forwarding } from "./collector/config.ts";
import { Load } from "./collector/measure.ts";

const ROUNDS = 600;
const ROUND_ITEMS = 4_000;

interface Pipeline {
  /** Resolves when so many batches of the bytes are answered, one after the other. @returns nanoseconds for each */
  run(bytes: Uint8Array, count: number): Promise<number>;
}

const SINK: Consumer = { capabilities: { mutatesData: false }, consume: () => Promise.resolve() };

async function pipeline(plugin: string | undefined, measuring: Measuring | undefined): Promise<Pipeline> {
  const settings = (kind: string, id: string): ComponentSettings => {
    const attributes = { "otelcol.component.id": id, "otelcol.component.kind": kind, "otelcol.signal": "logs" };
    return settingsWith({ id, signal: "logs", measuring, attributes });
  };
  let head: Consumer = SINK;
  if (plugin !== undefined) {
    const place = { id: "wasm", signal: "logs" } as const;
    const actions = [{ key: "bench.attr", value: "inserted", action: "insert" }];
    const config = wasmProcessorFactory.schema.parse({ path: plugin, isolation: "inline", plugin_config: { actions } });
    const next = countOutgoing(measuring, place, head);
    const processor = wasmProcessorFactory.create(settings("processor", "wasm"), config, next);
    await processor.start();
    head = countIncoming(measuring, place, processor);
  }
  const intake = new Intake(["http"]);
  intake.register(settings("receiver", "otlp"), head);
  intake.open("logs");
  return {
    run: async (bytes, count) => {
      const begun = performance.now();
      for (let i = 0; i < count; i++)
        await new Promise<void>((delivered, refused) => {
          intake.deliver("logs", bytes, "http", { delivered, refused } satisfies Reply);
        });
      return ((performance.now() - begun) * 1e6) / count;
    },
  };
}

/** @returns microseconds of CPU time for a request, of the collector's whole process */
async function wholeRequest(
  load: Load,
  protocol: "http" | "grpc",
  items: number,
  plugin: string | undefined,
): Promise<number> {
  const config = forwarding(protocol, load.sinks[protocol], "normal", plugin);
  const request = {
    protocol,
    signal: "logs",
    items,
    gzip: false,
    connections: 8,
    warmupMs: 1_500,
    measureMs: 2_000,
  } as const;
  const { itemsPerCpuSecond } = await load.measure(config, request);
  return (items / itemsPerCpuSecond) * 1e6;
}

const load = await Load.start();
const path = await buildAttributesPlugin();
console.log(
  "| plugin | items a request | without, us | own metrics, ns | HTTP request, us | share | gRPC request, us | share |",
);
console.log("|---|---|---|---|---|---|---|---|");
for (const plugin of [undefined, path]) {
  const pair = [await pipeline(plugin, undefined), await pipeline(plugin, new SeriesStore("normal"))] as const;
  for (const items of [10, 100, 1000]) {
    const bytes = buildPayload("logs", items);
    const best: [number, number] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
    for (let round = 0; round < ROUNDS; round++)
      for (const which of round % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const))
        best[which] = Math.min(best[which], await pair[which].run(bytes, Math.ceil(ROUND_ITEMS / items)));
    const [without, measured] = best;
    const cost = measured - without;
    const cells = [plugin === undefined ? "no" : "yes", items, (without / 1000).toFixed(1), Math.round(cost)];
    for (const protocol of ["http", "grpc"] as const) {
      const whole = await wholeRequest(load, protocol, items, plugin);
      cells.push(whole.toFixed(0), `${(cost / whole / 10).toFixed(1)} %`);
    }
    console.log(`| ${cells.join(" | ")} |`);
  }
}
load.stop();
process.exit(0);
