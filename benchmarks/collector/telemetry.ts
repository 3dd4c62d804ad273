// What own metrics cost: two collectors that differ in nothing but `service::telemetry::metrics::level`, in turn under the same load, in many short
// rounds whose order alternates. What counts is items per second of the collector's CPU time, and the median of the rounds' ratios.
//   node scripts/run.mjs benchmarks/collector/telemetry.ts [--items 10,100,1000] [--protocol http,grpc] [--plugin no,yes] [--level normal] [--rounds 15]
import { parseArgs } from "node:util";
import { buildAttributesPlugin } from "../../examples/attributes/build.ts";
import { forwarding } from "./config.ts";
import { Load, type LoadRequest } from "./measure.ts";

const ROUND_MS = 600;

/** @returns of each round the one's items per CPU-second as a part of the other's */
async function compare(
  load: Load,
  configs: readonly [object, object],
  request: Omit<LoadRequest, "port">,
  rounds: number,
) {
  const [without, measured] = await Promise.all(configs.map((each) => load.collector(each)));
  const warm = { ...request, warmupMs: 1_000 };
  for (const collector of [without!, measured!]) await collector.measure(warm);
  const ratios: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const order = round % 2 === 0 ? [without!, measured!] : [measured!, without!];
    const figures = new Map<unknown, number>();
    for (const collector of order) figures.set(collector, (await collector.measure(request)).itemsPerCpuSecond);
    ratios.push(figures.get(measured)! / figures.get(without)!);
  }
  await Promise.all([without!.stop(), measured!.stop()]);
  return ratios.sort((a, b) => a - b);
}

const { values } = parseArgs({
  options: {
    items: { type: "string", default: "10,100,1000" },
    protocol: { type: "string", default: "http,grpc" },
    plugin: { type: "string", default: "no,yes" },
    level: { type: "string", default: "normal" },
    rounds: { type: "string", default: "15" },
  },
});
const plugin = await buildAttributesPlugin();
const load = await Load.start();
console.log(`| protocol | plugin | items a request | level ${values.level} against none, median | quartiles |`);
console.log("|---|---|---|---|---|");
for (const protocol of values.protocol.split(",") as ("http" | "grpc")[]) {
  for (const path of values.plugin.split(",").map((value) => (value === "yes" ? plugin : undefined))) {
    for (const items of values.items.split(",").map(Number)) {
      const request = {
        protocol,
        signal: "logs",
        items,
        gzip: false,
        connections: 8,
        warmupMs: 50,
        measureMs: ROUND_MS,
      } as const;
      const of = (level: string) => forwarding(protocol, load.sinks[protocol], level, path);
      const ratios = await compare(load, [of("none"), of(values.level)], request, Number(values.rounds));
      const at = (part: number): string => ratios[Math.round((ratios.length - 1) * part)]!.toFixed(3);
      const row = [protocol, path === undefined ? "no" : "yes", items, `**${at(0.5)}**`, `${at(0.25)} to ${at(0.75)}`];
      console.log(`| ${row.join(" | ")} |`);
    }
  }
}
load.stop();
