/** Telemetry as an instrumented program makes it: by the OpenTelemetry JavaScript SDK, with its ids, clocks and limits. */
import { context, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { SeverityNumber } from "@opentelemetry/api-logs";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  InMemoryLogRecordExporter,
  LoggerProvider,
  type ReadableLogRecord,
  SimpleLogRecordProcessor,
} from "@opentelemetry/sdk-logs";
import { AggregationType, MeterProvider, MetricReader, type ResourceMetrics } from "@opentelemetry/sdk-metrics";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";

/** What an SDK hands to its exporters: may be exported more than once, to different places, with the same result on the wire. */
export interface Telemetry {
  readonly traces: ReadableSpan[];
  readonly metrics: ResourceMetrics;
  readonly logs: ReadableLogRecord[];
}

class OnDemandReader extends MetricReader {
  protected onShutdown(): Promise<void> {
    return Promise.resolve();
  }

  protected onForceFlush(): Promise<void> {
    return Promise.resolve();
  }
}

const resource = resourceFromAttributes({
  "service.name": "checkout",
  "service.instance.id": "checkout-7",
  "host.cpus": 8,
  "host.tags": ["eu", "blue"],
});

/** Two traces: parents and children, events with attributes, links, an exception, every kind of attribute value. */
function makeSpans(): ReadableSpan[] {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ resource, spanProcessors: [new SimpleSpanProcessor(exporter)] });
  const tracer = provider.getTracer("shop", "1.2.3", { schemaUrl: "https://opentelemetry.io/schemas/1.30.0" });
  const root = tracer.startSpan("GET /cart", {
    kind: SpanKind.SERVER,
    root: true,
    attributes: {
      "http.request.method": "GET",
      "http.response.status_code": 200,
      "http.request.size": 12.5,
      cached: false,
      "user.email": "ada@example.com",
      langs: ["de", "en"],
      scores: [1, 2.5],
      flags: [true, false],
      empty: "",
      unicode: "Grüße, 世界 😀",
    },
  });
  const inRoot = trace.setSpan(ROOT_CONTEXT, root);
  const query = provider
    .getTracer("database")
    .startSpan(
      "SELECT",
      { kind: SpanKind.CLIENT, links: [{ context: root.spanContext(), attributes: { why: "test" } }] },
      inRoot,
    );
  query.addEvent("row", { n: 1 });
  query.addEvent("no attributes");
  query.recordException(new TypeError("connection reset"));
  query.setStatus({ code: SpanStatusCode.ERROR, message: "connection reset" });
  query.end();
  root.setStatus({ code: SpanStatusCode.OK });
  root.end();
  tracer.startSpan("no attributes at all", { root: true, kind: SpanKind.INTERNAL }).end();
  return exporter.getFinishedSpans();
}

/** Every kind of instrument, several attribute sets, two scopes. */
async function makeMetrics(): Promise<ResourceMetrics> {
  const reader = new OnDemandReader();
  const provider = new MeterProvider({
    resource,
    readers: [reader],
    views: [{ instrumentName: "payload.size", aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM } }],
  });
  const meter = provider.getMeter("shop", "1.2.3");
  const orders = meter.createCounter("orders", { unit: "{order}", description: "Orders taken" });
  orders.add(3, { shop: "berlin", "user.email": "ada@example.com" });
  orders.add(4, { shop: "tokyo" });
  orders.add(0.5);
  const inFlight = meter.createUpDownCounter("in_flight");
  inFlight.add(5, { shop: "berlin" });
  inFlight.add(-7, { shop: "berlin" });
  const duration = meter.createHistogram("duration", { unit: "s", advice: { explicitBucketBoundaries: [0.1, 1, 10] } });
  for (const value of [0.05, 0.5, 5, 50]) duration.record(value, { shop: "berlin" });
  const size = meter.createHistogram("payload.size", { unit: "By" });
  for (const value of [0, 1, 10, 1000, 1_000_000]) size.record(value, { shop: "tokyo" });
  const system = provider.getMeter("system");
  system.createObservableGauge("temperature").addCallback((result) => result.observe(-3.5, { sensor: "a" }));
  system.createObservableCounter("cpu.time").addCallback((result) => result.observe(12.25, { cpu: 0 }));
  system.createObservableUpDownCounter("queue").addCallback((result) => result.observe(-2));
  const { resourceMetrics, errors } = await reader.collect();
  if (errors.length > 0) throw new AggregateError(errors);
  await provider.shutdown();
  return resourceMetrics;
}

/** Records inside and outside of a trace, with bodies and attributes of every type. */
function makeLogs(spans: readonly ReadableSpan[]): ReadableLogRecord[] {
  const exporter = new InMemoryLogRecordExporter();
  const provider = new LoggerProvider({ resource, processors: [new SimpleLogRecordProcessor({ exporter })] });
  const logger = provider.getLogger("shop", "1.2.3");
  const inSpan = trace.setSpanContext(context.active(), spans[0]!.spanContext());
  logger.emit({
    context: inSpan,
    severityNumber: SeverityNumber.ERROR,
    severityText: "ERROR",
    body: "payment refused",
    attributes: { "order.id": 42, "user.email": "ada@example.com", amount: 9.99, retry: true, items: ["a", "b"] },
  });
  logger.emit({ severityNumber: SeverityNumber.INFO, body: { nested: { list: [1, "two", 3.5, true, null] } } });
  // Every record has a body: the SDK's JSON writes an absent one as an empty value, its protobuf does not.
  logger.emit({
    eventName: "started",
    body: 3.25,
    timestamp: 1_700_000_000_000,
    attributes: { raw: new Uint8Array([0, 1, 255]) },
  });
  provider.getLogger("audit").emit({ body: "", attributes: { map: { deep: { deeper: 1 } }, "": "empty key" } });
  return exporter.getFinishedLogRecords();
}

export async function makeTelemetry(): Promise<Telemetry> {
  const traces = makeSpans();
  return { traces, metrics: await makeMetrics(), logs: makeLogs(traces) };
}
