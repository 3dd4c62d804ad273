import type { Signal } from "../../telemetry/batch.ts";
import { decode } from "../../telemetry/decode.ts";
import type { AnyValue, InstrumentationScope, LogRecord, Resource, Span } from "../../telemetry/generated/types.ts";
import { metricLines } from "./detailed-metrics.ts";
import { time } from "./go-format.ts";
import { attributeLines, hex, typed } from "./values.ts";

const SPAN_KINDS = ["Unspecified", "Internal", "Server", "Client", "Producer", "Consumer"] as const;
const STATUS_CODES = ["Unset", "Ok", "Error"] as const;
const SEVERITIES = ["Trace", "Debug", "Info", "Warn", "Error", "Fatal"] as const;

/** `Info2` for 10; nothing for numbers that OTLP does not have. */
function severityName(number: number): string {
  if (number === 0) return "Unspecified";
  const name = SEVERITIES[Math.floor((number - 1) / 4)] ?? "";
  const step = ((number - 1) % 4) + 1;
  return name === "" || step === 1 ? name : `${name}${step}`;
}

function* resourceLines(resource: Resource | undefined, schemaUrl: string): Generator<string> {
  yield `Resource SchemaURL: ${schemaUrl}`;
  yield* attributeLines("Resource attributes", resource?.attributes);
  const refs = resource?.entityRefs ?? [];
  if (refs.length > 0) yield "Resource entity refs:";
  for (const [i, ref] of refs.entries()) {
    yield `     -> Entity ref #${i}:`;
    yield `          -> Type: ${ref.type}`;
    if (ref.schemaUrl !== "") yield `          -> Schema URL: ${ref.schemaUrl}`;
    if (ref.idKeys.length > 0) yield "          -> ID keys:";
    for (const key of ref.idKeys) yield `               -> ${key}`;
    if (ref.descriptionKeys.length > 0) yield "          -> Description keys:";
    for (const key of ref.descriptionKeys) yield `               -> ${key}`;
  }
}

function* scopeLines(
  kind: string,
  index: number,
  scope: InstrumentationScope | undefined,
  url: string,
): Generator<string> {
  yield `${kind} #${index}`;
  yield `${kind} SchemaURL: ${url}`;
  yield `InstrumentationScope ${scope?.name ?? ""} ${scope?.version ?? ""}`;
  yield* attributeLines("InstrumentationScope attributes", scope?.attributes);
}

function* spanLines(span: Span): Generator<string> {
  const line = (name: string, value: string | number): string => `    ${name.padEnd(15)}: ${value}`;
  yield line("Trace ID", hex(span.traceId));
  yield line("Parent ID", hex(span.parentSpanId));
  yield line("ID", hex(span.spanId));
  yield line("Name", span.name);
  yield line("Kind", SPAN_KINDS[span.kind] ?? "");
  if (span.traceState !== "") yield line("TraceState", span.traceState);
  yield line("Start time", time(span.startTimeUnixNano));
  yield line("End time", time(span.endTimeUnixNano));
  yield line("Status code", STATUS_CODES[span.status?.code ?? 0] ?? "");
  yield line("Status message", span.status?.message ?? "");
  yield line("DroppedAttributesCount", span.droppedAttributesCount);
  yield line("DroppedEventsCount", span.droppedEventsCount);
  yield line("DroppedLinksCount", span.droppedLinksCount);
  yield* attributeLines("Attributes", span.attributes);
  if (span.events.length > 0) yield "Events:";
  for (const [i, event] of span.events.entries()) {
    yield `SpanEvent #${i}`;
    yield `     -> Name: ${event.name}`;
    yield `     -> Timestamp: ${time(event.timeUnixNano)}`;
    yield `     -> DroppedAttributesCount: ${event.droppedAttributesCount}`;
    yield* attributeLines("     -> Attributes:", event.attributes);
  }
  if (span.links.length > 0) yield "Links:";
  for (const [i, link] of span.links.entries()) {
    yield `SpanLink #${i}`;
    yield `     -> Trace ID: ${hex(link.traceId)}`;
    yield `     -> ID: ${hex(link.spanId)}`;
    yield `     -> TraceState: ${link.traceState}`;
    yield `     -> DroppedAttributesCount: ${link.droppedAttributesCount}`;
    yield* attributeLines("     -> Attributes:", link.attributes);
  }
}

const NO_BODY: AnyValue = {};

function* logLines(record: LogRecord): Generator<string> {
  yield `ObservedTimestamp: ${time(record.observedTimeUnixNano)}`;
  yield `Timestamp: ${time(record.timeUnixNano)}`;
  yield `SeverityText: ${record.severityText}`;
  yield `SeverityNumber: ${severityName(record.severityNumber)}(${record.severityNumber})`;
  if (record.eventName !== "") yield `EventName: ${record.eventName}`;
  yield `Body: ${typed(record.body ?? NO_BODY)}`;
  yield* attributeLines("Attributes", record.attributes);
  yield `Trace ID: ${hex(record.traceId)}`;
  yield `Span ID: ${hex(record.spanId)}`;
  yield `Flags: ${record.flags}`;
}

function* tracesLines(bytes: Uint8Array): Generator<string> {
  for (const [i, { resource, scopeSpans, schemaUrl }] of decode("traces", bytes).resourceSpans.entries()) {
    yield `ResourceSpans #${i}`;
    yield* resourceLines(resource, schemaUrl);
    for (const [j, { scope, spans, schemaUrl: url }] of scopeSpans.entries()) {
      yield* scopeLines("ScopeSpans", j, scope, url);
      for (const [k, span] of spans.entries()) {
        yield `Span #${k}`;
        yield* spanLines(span);
      }
    }
  }
}

function* metricsLines(bytes: Uint8Array): Generator<string> {
  for (const [i, { resource, scopeMetrics, schemaUrl }] of decode("metrics", bytes).resourceMetrics.entries()) {
    yield `ResourceMetrics #${i}`;
    yield* resourceLines(resource, schemaUrl);
    for (const [j, { scope, metrics, schemaUrl: url }] of scopeMetrics.entries()) {
      yield* scopeLines("ScopeMetrics", j, scope, url);
      for (const [k, metric] of metrics.entries()) {
        yield `Metric #${k}`;
        yield* metricLines(metric);
      }
    }
  }
}

function* logsLines(bytes: Uint8Array): Generator<string> {
  for (const [i, { resource, scopeLogs, schemaUrl }] of decode("logs", bytes).resourceLogs.entries()) {
    yield `ResourceLog #${i}`;
    yield* resourceLines(resource, schemaUrl);
    for (const [j, { scope, logRecords, schemaUrl: url }] of scopeLogs.entries()) {
      yield* scopeLines("ScopeLogs", j, scope, url);
      for (const [k, record] of logRecords.entries()) {
        yield `LogRecord #${k}`;
        yield* logLines(record);
      }
    }
  }
}

const LINES: Readonly<Record<Signal, (bytes: Uint8Array) => Generator<string>>> = {
  traces: tracesLines,
  metrics: metricsLines,
  logs: logsLines,
};

/**
 * Everything that a batch says, on many lines; each ends with a line feed.
 *
 * @throws RangeError when the bytes are not well-formed
 */
export function detailedText(signal: Signal, bytes: Uint8Array): string {
  let text = "";
  for (const line of LINES[signal](bytes)) text += `${line}\n`;
  return text;
}
