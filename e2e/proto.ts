/**
 * OTLP as a generic protobuf library (protobufjs) reads it, from the `.proto` files: nothing here is this project's own decoding,
 * so what a test sees is what any other program would see.
 */
import { fileURLToPath } from "node:url";
import protobuf from "protobufjs";

export const SIGNALS = ["traces", "metrics", "logs"] as const;
export type Signal = (typeof SIGNALS)[number];

/** A decoded message in a form that can be compared: bytes are hex, 64-bit integers decimal text, fields that are not there are not there. */
export type Plain = { [field: string]: PlainValue };
type PlainValue = string | number | boolean | Plain | PlainValue[];

const root = new protobuf.Root();
root.resolvePath = (_origin, target): string => fileURLToPath(new URL(`../proto/${target}`, import.meta.url));
root.loadSync(
  ["trace", "metrics", "logs"].map((name) => `opentelemetry/proto/collector/${name}/v1/${name}_service.proto`),
);
protobuf.parse(
  `syntax = "proto3";
   package google.rpc;
   message Status { int32 code = 1; string message = 2; repeated Any details = 3; }
   message Any { string type_url = 1; bytes value = 2; }
   message RetryInfo { Duration retry_delay = 1; }
   message Duration { int64 seconds = 1; int32 nanos = 2; }`,
  root,
);
root.resolveAll();

const SERVICES = { traces: "trace.v1.Trace", metrics: "metrics.v1.Metrics", logs: "logs.v1.Logs" } as const;

function collectorType(signal: Signal, kind: "Request" | "Response"): protobuf.Type {
  return root.lookupType(
    `opentelemetry.proto.collector.${SERVICES[signal].replace(/(\w+)$/, `Export$1Service${kind}`)}`,
  );
}

export const requestType: Record<Signal, protobuf.Type> = {
  traces: collectorType("traces", "Request"),
  metrics: collectorType("metrics", "Request"),
  logs: collectorType("logs", "Request"),
};

export const responseType: Record<Signal, protobuf.Type> = {
  traces: collectorType("traces", "Response"),
  metrics: collectorType("metrics", "Response"),
  logs: collectorType("logs", "Response"),
};

/** The path of a gRPC method, `/opentelemetry.proto.collector.trace.v1.TraceService/Export`. */
export function grpcPath(signal: Signal): string {
  return `/opentelemetry.proto.collector.${SERVICES[signal]}Service/Export`;
}

function plainScalar(field: protobuf.Field, value: unknown): PlainValue {
  if (field.type === "bytes") return Buffer.from(value as Uint8Array).toString("hex");
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return value;
  return String(value);
}

function plainOne(field: protobuf.Field, value: unknown): PlainValue {
  return field.resolvedType instanceof protobuf.Type
    ? toPlain(field.resolvedType, value as Record<string, unknown>)
    : plainScalar(field, value);
}

/** A message without what proto3 does not tell apart: an implicit field with its default value is an absent one. */
function toPlain(type: protobuf.Type, message: Record<string, unknown>): Plain {
  const plain: Plain = {};
  for (const field of type.fieldsArray) {
    field.resolve();
    if (!Object.hasOwn(message, field.name)) continue;
    const value = message[field.name];
    if (value === null || value === undefined) continue;
    if (field.repeated) {
      const items = value as unknown[];
      if (items.length > 0) plain[field.name] = items.map((item) => plainOne(field, item));
      continue;
    }
    const one = plainOne(field, value);
    const isDefault = one === "" || one === 0 || one === false || (field.long && one === "0");
    if (isDefault && field.partOf === null && !(field.resolvedType instanceof protobuf.Type)) continue;
    plain[field.name] = one;
  }
  return plain;
}

/** @throws when the bytes are not a message of this type */
export function decode(type: protobuf.Type, bytes: Uint8Array): Plain {
  return toPlain(type, type.decode(bytes) as unknown as Record<string, unknown>);
}

/** From an object with protobufjs' conventions (`Uint8Array` or base64 for bytes, text or numbers for 64-bit integers). */
export function encode(type: protobuf.Type, object: Record<string, unknown>): Uint8Array {
  return type.encode(type.fromObject(object)).finish();
}

/** OTLP's JSON differs from protobuf's in one point: trace and span ids are hex. */
export function fromOtlpJson(signal: Signal, text: string): Plain {
  const type = requestType[signal];
  const object: unknown = JSON.parse(text, (key, value: unknown) =>
    /^(traceId|spanId|parentSpanId)$/.test(key) && typeof value === "string"
      ? Buffer.from(value, "hex").toString("base64")
      : value,
  );
  return toPlain(type, type.fromObject(object as Record<string, unknown>) as unknown as Record<string, unknown>);
}

const statusType = root.lookupType("google.rpc.Status");
const retryInfoType = root.lookupType("google.rpc.RetryInfo");
const RETRY_INFO_URL = "type.googleapis.com/google.rpc.RetryInfo";

export interface RpcStatus {
  readonly code: number;
  readonly message: string;
  readonly retryDelayMs?: number;
}

/** `google.rpc.Status`, with a `RetryInfo` detail when there is a delay. */
export function encodeStatus({ code, message, retryDelayMs }: RpcStatus): Uint8Array {
  const details =
    retryDelayMs === undefined
      ? []
      : [
          {
            typeUrl: RETRY_INFO_URL,
            value: encode(retryInfoType, {
              retryDelay: { seconds: Math.floor(retryDelayMs / 1000), nanos: (retryDelayMs % 1000) * 1e6 },
            }),
          },
        ];
  return encode(statusType, { code, message, details });
}

export function decodeStatus(bytes: Uint8Array): RpcStatus {
  return statusFromPlain(decode(statusType, bytes));
}

/** The JSON form, as bodies of HTTP/JSON answers carry it. */
export function parseStatusJson(text: string): RpcStatus {
  return statusFromPlain(JSON.parse(text) as Plain);
}

function statusFromPlain(status: Plain): RpcStatus {
  const found = ((status.details ?? []) as Plain[]).find((detail) => detail.typeUrl === RETRY_INFO_URL);
  const base = { code: Number(status.code ?? 0), message: String(status.message ?? "") };
  if (found === undefined) return base;
  const { retryDelay } = decode(retryInfoType, Buffer.from(String(found.value ?? ""), "hex")) as { retryDelay?: Plain };
  return {
    ...base,
    retryDelayMs: Number(retryDelay?.seconds ?? 0) * 1000 + Number(retryDelay?.nanos ?? 0) / 1e6,
  };
}

/** Spans, log records or metric data points: what the items of a signal are called in counts. */
export function items(signal: Signal, request: Plain): Plain[] {
  const list = (parent: Plain, name: string): Plain[] => (parent[name] ?? []) as Plain[];
  switch (signal) {
    case "traces":
      return list(request, "resourceSpans").flatMap((r) => list(r, "scopeSpans").flatMap((s) => list(s, "spans")));
    case "logs":
      return list(request, "resourceLogs").flatMap((r) => list(r, "scopeLogs").flatMap((s) => list(s, "logRecords")));
    case "metrics":
      return list(request, "resourceMetrics")
        .flatMap((r) => list(r, "scopeMetrics").flatMap((s) => list(s, "metrics")))
        .flatMap((metric) =>
          ["gauge", "sum", "histogram", "exponentialHistogram", "summary"].flatMap((kind) =>
            list((metric[kind] ?? {}) as Plain, "dataPoints"),
          ),
        );
  }
}
