// The whole collector: every request is acknowledged by a sink behind it. What counts is items per second of the collector's CPU time.
//   node scripts/run.mjs benchmarks/collector/run.ts [--items 10,100,1000] [--protocol http,grpc] [--gzip no,yes] [--signal logs] [--seconds 3]
import { parseArgs } from "node:util";
import type { Signal } from "otelwasm";
import { buildAttributesPlugin } from "../../examples/attributes/build.ts";
import { Load } from "./measure.ts";

function config(
  protocol: "http" | "grpc",
  signal: Signal,
  sink: number,
  gzip: boolean,
  plugin: string | undefined,
): object {
  const compression = gzip ? "gzip" : "none";
  const helper = { sending_queue: { enabled: false }, retry_on_failure: { enabled: false } };
  const exporters = {
    http: { otlp_http: { endpoint: `http://127.0.0.1:${sink}`, compression, ...helper } },
    grpc: { otlp_grpc: { endpoint: `127.0.0.1:${sink}`, tls: { insecure: true }, compression, ...helper } },
  }[protocol];
  const processors =
    plugin === undefined
      ? {}
      : {
          "wasm/attributes": {
            path: plugin,
            plugin_config: { actions: [{ key: "bench.attr", value: "inserted", action: "insert" }] },
          },
        };
  return {
    receivers: { otlp: { protocols: { [protocol]: { endpoint: "127.0.0.1:0" } } } },
    processors,
    exporters,
    service: {
      telemetry: { logs: { level: "error" } },
      pipelines: {
        [signal]: { receivers: ["otlp"], processors: Object.keys(processors), exporters: Object.keys(exporters) },
      },
    },
  };
}

const { values } = parseArgs({
  options: {
    items: { type: "string", default: "10,100,1000" },
    protocol: { type: "string", default: "http,grpc" },
    gzip: { type: "string", default: "no,yes" },
    signal: { type: "string", default: "logs" },
    seconds: { type: "string", default: "3" },
  },
});
const plugin = await buildAttributesPlugin();
const load = await Load.start();
console.log(
  "| protocol | gzip | items a request | forwarded, items per CPU-s | with the attributes plugin | ratio | requests/s | RSS MiB |",
);
console.log("|---|---|---|---|---|---|---|---|");
for (const protocol of values.protocol.split(",") as ("http" | "grpc")[]) {
  for (const gzip of values.gzip.split(",").map((value) => value === "yes")) {
    for (const items of values.items.split(",").map(Number)) {
      const request = {
        protocol,
        signal: values.signal as Signal,
        items,
        gzip,
        connections: 8,
        warmupMs: 1500,
        measureMs: Number(values.seconds) * 1000,
      };
      const sink = load.sinks[protocol];
      const plain = await load.measure(config(protocol, request.signal, sink, gzip, undefined), request);
      const plugged = await load.measure(config(protocol, request.signal, sink, gzip, plugin), request);
      const thousands = (value: number): string => `${Math.round(value / 1000)}k`;
      console.log(
        `| ${protocol} | ${gzip ? "yes" : "no"} | ${items} | ${thousands(plain.itemsPerCpuSecond)} | ${thousands(plugged.itemsPerCpuSecond)} | ${(plugged.itemsPerCpuSecond / plain.itemsPerCpuSecond).toFixed(2)} | ${Math.round(plugged.requestsPerSecond)} | ${Math.round(plugged.rssMiB)} |`,
      );
    }
  }
}
load.stop();
