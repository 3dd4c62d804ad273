/** Batches whose spans, log records and data points all have the given attributes; the rest is there to stay as it is. */
import { SIGNALS, type Signal } from "../../../packages/otelwasm/src/telemetry/batch.ts";
import type { Plain } from "./plugin.ts";
import type { Attribute } from "./reference.ts";

const resource = {
  attributes: [
    { key: "service.name", value: { stringValue: "checkout" } },
    { key: "a", value: { stringValue: "not an item's" } },
  ],
};
const scope = { name: "shop", version: "1.2", attributes: [{ key: "a", value: { boolValue: true } }] };

/** @param lists the attributes of each item */
export function batchOf(signal: Signal, lists: readonly (readonly Attribute[])[]): Plain {
  const attributes = (list: readonly Attribute[]): Plain => (list.length > 0 ? { attributes: [...list] } : {});
  if (signal === "logs") {
    const logRecords = lists.map((list) => ({
      timeUnixNano: "1750000000000000000",
      severityNumber: 9,
      severityText: "INFO",
      body: { stringValue: "done" },
      ...attributes(list),
    }));
    return { resourceLogs: [{ resource, scopeLogs: [{ scope, logRecords, schemaUrl: "s" }], schemaUrl: "r" }] };
  }
  if (signal === "traces") {
    const spans = lists.map((list) => ({
      name: "GET /",
      kind: 2,
      ...attributes(list),
      events: [{ name: "e", attributes: [{ key: "a", value: { intValue: "1" } }] }],
      links: [{ traceState: "t", attributes: [{ key: "a", value: { intValue: "2" } }] }],
    }));
    return { resourceSpans: [{ resource, scopeSpans: [{ scope, spans }] }] };
  }
  const exemplars = [{ filteredAttributes: [{ key: "a", value: { stringValue: "kept" } }] }];
  const metrics = lists.flatMap((list) => [
    { name: "g", gauge: { dataPoints: [{ asInt: "1", ...attributes(list), exemplars }] } },
    {
      name: "s",
      sum: { dataPoints: [{ asDouble: 2.5, ...attributes(list) }], isMonotonic: true, aggregationTemporality: 2 },
    },
    {
      name: "h",
      histogram: { dataPoints: [{ count: "3", bucketCounts: ["1", "2"], explicitBounds: [5], ...attributes(list) }] },
    },
    { name: "e", exponentialHistogram: { dataPoints: [{ count: "4", scale: -1, ...attributes(list) }] } },
    { name: "q", summary: { dataPoints: [{ count: "5", sum: 1.5, ...attributes(list) }] } },
    { name: "empty", metadata: [{ key: "a", value: { stringValue: "kept" } }] },
  ]);
  return { resourceMetrics: [{ resource, scopeMetrics: [{ scope, metrics }] }] };
}

export { SIGNALS, type Signal };
