/** A shop that takes an order now and then, instrumented with the OpenTelemetry JavaScript SDK as any program would be. */
import { ROOT_CONTEXT, SpanKind, trace } from "@opentelemetry/api";
import { SeverityNumber } from "@opentelemetry/api-logs";
import { OTLPLogExporter } from "@opentelemetry/exporter-logs-otlp-http";
import { OTLPMetricExporter } from "@opentelemetry/exporter-metrics-otlp-proto";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-grpc";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchLogRecordProcessor, LoggerProvider } from "@opentelemetry/sdk-logs";
import { MeterProvider, PeriodicExportingMetricReader } from "@opentelemetry/sdk-metrics";
import { BasicTracerProvider, BatchSpanProcessor } from "@opentelemetry/sdk-trace-base";

/** What the shop sends with each order, and the plugin must not let through as it is. */
export const CUSTOMER_EMAIL = "ada@example.com";
export const CARD_NUMBER = "4111 1111 1111 1111";

export interface Shop {
  /** Takes an order and sends what there is to tell about it: a trace over gRPC, a metric over HTTP/protobuf, a log over HTTP/JSON. */
  takeOrder(): Promise<void>;
  close(): Promise<void>;
}

/** @param grpcUrl,httpUrl where the collector listens: `http://localhost:4317`, `http://localhost:4318` */
export function openShop(grpcUrl: string, httpUrl: string): Shop {
  const resource = resourceFromAttributes({ "service.name": "demo-shop" });
  const traces = new BasicTracerProvider({
    resource,
    spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter({ url: grpcUrl }))],
  });
  const metrics = new MeterProvider({
    resource,
    readers: [
      new PeriodicExportingMetricReader({
        exporter: new OTLPMetricExporter({ url: `${httpUrl}/v1/metrics` }),
        // Sent when an order is taken, not by the clock.
        exportIntervalMillis: 2 ** 31 - 1,
      }),
    ],
  });
  const logs = new LoggerProvider({
    resource,
    processors: [new BatchLogRecordProcessor({ exporter: new OTLPLogExporter({ url: `${httpUrl}/v1/logs` }) })],
  });
  const tracer = traces.getTracer("shop");
  const logger = logs.getLogger("shop");
  const orders = metrics
    .getMeter("shop")
    .createCounter("shop.orders", { unit: "{order}", description: "Orders taken" });
  let number = 0;

  return {
    async takeOrder() {
      number++;
      const attributes = { "user.email": CUSTOMER_EMAIL, "payment.card_number": CARD_NUMBER };
      const span = tracer.startSpan("POST /orders", {
        kind: SpanKind.SERVER,
        attributes: { ...attributes, "order.number": number },
      });
      logger.emit({
        context: trace.setSpan(ROOT_CONTEXT, span),
        severityNumber: SeverityNumber.INFO,
        severityText: "INFO",
        body: `order ${number} taken`,
        attributes: { ...attributes, "order.number": number },
      });
      orders.add(1, attributes);
      span.end();
      await Promise.all([traces.forceFlush(), metrics.forceFlush(), logs.forceFlush()]);
    },
    async close() {
      await Promise.all([traces.shutdown(), metrics.shutdown(), logs.shutdown()]);
    },
  };
}
