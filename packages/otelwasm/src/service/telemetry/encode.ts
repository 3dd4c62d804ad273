import type { HrTime } from "@opentelemetry/api";
import { decodeJson } from "../../telemetry/json.ts";
import { version } from "../version.ts";
import type { ResourceAttributes } from "./resource.ts";

/** The instrumentation scope of all own telemetry. */
export const SCOPE = "otelwasm";

/** An `AnyValue` of OTLP's JSON. What has no form of its own is text. */
function anyValue(value: unknown): object {
  switch (typeof value) {
    case "string":
      return { stringValue: value };
    case "boolean":
      return { boolValue: value };
    case "number":
      return Number.isSafeInteger(value) ? { intValue: value } : { doubleValue: double(value) };
    case "bigint":
      return { intValue: String(value) };
    case "object":
      if (value === null) return {};
      if (Array.isArray(value)) return { arrayValue: { values: value.map(anyValue) } };
      return { kvlistValue: { values: keyValues(Object.entries(value)) } };
    default:
      return { stringValue: String(value) };
  }
}

/** As `KeyValue`s of OTLP's JSON. */
export function keyValues(entries: readonly (readonly [string, unknown])[]): object[] {
  return entries.flatMap(([key, value]) => (value === undefined ? [] : [{ key, value: anyValue(value) }]));
}

/** What JSON has no number for is written as text. */
export function double(value: number): number | string {
  return Number.isFinite(value) ? value : String(value);
}

/** Nanoseconds since 1970, as OTLP's JSON has them. */
export function nanoseconds([seconds, nanos]: HrTime): string {
  return `${seconds}${String(nanos).padStart(9, "0")}`;
}

/**
 * OTLP's bytes of a resource and a scope with what is in it.
 *
 * @param content in OTLP's JSON: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
 */
export function encodeIn(
  signal: "metrics" | "traces" | "logs",
  resource: ResourceAttributes,
  content: readonly object[],
): Uint8Array {
  const names = {
    metrics: ["resourceMetrics", "scopeMetrics", "metrics"],
    traces: ["resourceSpans", "scopeSpans", "spans"],
    logs: ["resourceLogs", "scopeLogs", "logRecords"],
  } as const;
  const [resources, scopes, items] = names[signal];
  const scope = { scope: { name: SCOPE, version: version() }, [items]: content };
  const tree = {
    [resources]: [{ resource: { attributes: keyValues(Object.entries(resource)) }, [scopes]: [scope] }],
  };
  return decodeJson(signal, JSON.stringify(tree));
}
