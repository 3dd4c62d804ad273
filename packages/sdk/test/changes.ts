// What test/guests/assembly/everything.ts does to a batch, done to the decoded batch.
import { type Decoded, isDefault, type Scalar } from "./reference.ts";

type Change = (batch: Decoded) => void;

export const CHANGES: Record<"traces" | "metrics" | "logs", Change> = {
  traces: changeTraces,
  metrics: changeMetrics,
  logs: changeLogs,
};

function list(message: Decoded, name: string): Decoded[] {
  return (message[name] ?? []) as Decoded[];
}

function child(message: Decoded, name: string): Decoded {
  message[name] ??= {};
  return message[name] as Decoded;
}

function put<T extends Scalar>(message: Decoded, name: string, value: T): void {
  if (isDefault(value)) delete message[name];
  else message[name] = value;
}

function get<T extends Scalar>(message: Decoded, name: string, otherwise: T): T {
  return (message[name] as T | undefined) ?? otherwise;
}

const VALUES = [
  "stringValue",
  "boolValue",
  "intValue",
  "doubleValue",
  "arrayValue",
  "kvlistValue",
  "bytesValue",
  "stringValueStrindex",
];

function setValue(value: Decoded, member: string, content: Scalar): void {
  for (const name of VALUES) delete value[name];
  value[member] = content;
}

function mark(holder: Decoded, name = "attributes"): void {
  holder[name] ??= [];
  const attributes = holder[name] as Decoded[];
  let entry = attributes.find((each) => each.key === "marked");
  if (entry === undefined) {
    entry = { key: "marked" };
    attributes.push(entry);
  }
  setValue(child(entry, "value"), "intValue", 1n);
}

const asU64 = (value: bigint): bigint => BigInt.asUintN(64, value);
const asI64 = (value: bigint): bigint => BigInt.asIntN(64, value);
/** As wasm converts, with the two's complement limits. */
const toI64 = (value: number): bigint => {
  if (Number.isNaN(value)) return 0n;
  if (value >= 2 ** 63) return 2n ** 63n - 1n;
  if (value <= -(2 ** 63)) return -(2n ** 63n);
  return BigInt(Math.trunc(value));
};

function markExemplars(point: Decoded): void {
  for (const exemplar of list(point, "exemplars")) {
    mark(exemplar, "filteredAttributes");
    put(exemplar, "timeUnixNano", asU64(get(exemplar, "timeUnixNano", 0n) + 1n));
    const value = get(exemplar, "asInt", 0n) + toI64(get(exemplar, "asDouble", 0));
    delete exemplar.asDouble;
    exemplar.asInt = asI64(value);
    exemplar.traceId = "0102";
  }
}

function markNumbers(holder: Decoded): void {
  for (const point of list(holder, "dataPoints")) {
    mark(point);
    if (point.asInt !== undefined) point.asInt = asI64(get(point, "asInt", 0n) + 1n);
    else point.asDouble = get(point, "asDouble", 0) + 1;
    put(point, "flags", (get(point, "flags", 0) | 1) >>> 0);
    markExemplars(point);
  }
}

function changeTraces(traces: Decoded): void {
  for (const resourceSpans of list(traces, "resourceSpans")) {
    const resource = child(resourceSpans, "resource");
    mark(resource);
    for (const entity of list(resource, "entityRefs")) {
      entity.idKeys = [...((entity.idKeys ?? []) as string[]), "more"];
      entity.descriptionKeys = [...((entity.descriptionKeys ?? []) as string[]), "described"];
    }
    for (const scopeSpans of list(resourceSpans, "scopeSpans")) {
      const scope = child(scopeSpans, "scope");
      scope.version = `${get(scope, "version", "")}!`;
      for (const span of list(scopeSpans, "spans")) {
        mark(span);
        span.name = `${get(span, "name", "")}!`;
        span.kind = 2;
        put(span, "parentSpanId", get(span, "spanId", ""));
        delete span.droppedLinksCount;
        const status = child(span, "status");
        status.code = 2;
        status.message = "broken";
        for (const event of list(span, "events")) {
          mark(event);
          put(event, "timeUnixNano", asU64(get(event, "timeUnixNano", 0n) + 1n));
        }
        for (const link of list(span, "links")) {
          mark(link);
          put(link, "flags", (get(link, "flags", 0) + 1) >>> 0);
        }
      }
    }
  }
}

function changeMetrics(metrics: Decoded): void {
  for (const resourceMetrics of list(metrics, "resourceMetrics")) {
    mark(child(resourceMetrics, "resource"));
    for (const scope of list(resourceMetrics, "scopeMetrics"))
      for (const metric of list(scope, "metrics")) changeMetric(metric);
  }
}

function changeMetric(metric: Decoded): void {
  metric.unit = "1";
  mark(metric, "metadata");
  if (metric.gauge !== undefined) markNumbers(child(metric, "gauge"));
  else if (metric.sum !== undefined) {
    const sum = child(metric, "sum");
    put(sum, "isMonotonic", !get(sum, "isMonotonic", false));
    sum.aggregationTemporality = 1;
    markNumbers(sum);
  } else if (metric.histogram !== undefined) {
    for (const point of list(child(metric, "histogram"), "dataPoints")) {
      mark(point);
      put(point, "count", asU64(get(point, "count", 0n) + 1n));
      point.sum = point.sum === undefined ? 0 : get(point, "sum", 0) + 1;
      delete point.min;
      point.bucketCounts = [...((point.bucketCounts ?? []) as bigint[]), 7n];
      point.explicitBounds = [...((point.explicitBounds ?? []) as number[]), 0.5];
      markExemplars(point);
    }
  } else if (metric.exponentialHistogram !== undefined) {
    for (const point of list(child(metric, "exponentialHistogram"), "dataPoints")) {
      mark(point);
      put(point, "scale", (get(point, "scale", 0) - 1) | 0);
      put(point, "zeroThreshold", get(point, "zeroThreshold", 0) + 1);
      const positive = child(point, "positive");
      positive.bucketCounts = [...((positive.bucketCounts ?? []) as bigint[]), 300n];
      positive.offset = -5;
      markExemplars(point);
    }
  } else if (metric.summary !== undefined) {
    for (const point of list(child(metric, "summary"), "dataPoints")) {
      mark(point);
      put(point, "sum", get(point, "sum", 0) + 1);
      for (const quantile of list(point, "quantileValues")) put(quantile, "value", get(quantile, "value", 0) + 1);
    }
  } else metric.gauge = {};
}

function changeLogs(logs: Decoded): void {
  for (const resourceLogs of list(logs, "resourceLogs")) {
    mark(child(resourceLogs, "resource"));
    delete resourceLogs.schemaUrl;
    for (const scopeLogs of list(resourceLogs, "scopeLogs")) {
      mark(child(scopeLogs, "scope"));
      for (const record of list(scopeLogs, "logRecords")) {
        mark(record);
        put(record, "observedTimeUnixNano", get(record, "timeUnixNano", 0n));
        record.severityNumber = 17;
        record.severityText = "ERROR";
        put(record, "flags", (get(record, "flags", 0) + 1) >>> 0);
        record.eventName = `${get(record, "eventName", "")}é😀`;
        const body = child(record, "body");
        if (body.stringValue !== undefined) body.stringValue = `${get(body, "stringValue", "")}!`;
        else if (body.kvlistValue !== undefined) mark(child(body, "kvlistValue"), "values");
        else setValue(body, "boolValue", true);
      }
    }
  }
}
