import { randomUUID } from "node:crypto";
import type { Meter } from "@opentelemetry/api";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { MeterProvider, MetricReader } from "@opentelemetry/sdk-metrics";
import { PageServer } from "../../transport/page-server.ts";
import type { BoundEndpoint } from "../graph.ts";
import { version } from "../version.ts";
import type { OwnMetrics } from "./metrics.ts";
import { measureProcess } from "./process.ts";
import { PrometheusText } from "./prometheus.ts";
import type { PrometheusReader } from "./settings.ts";

const COMPONENT = "service::telemetry::metrics";
/** The format's name: https://prometheus.io/docs/instrumenting/exposition_formats/ */
const CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** Collects when it is asked to. */
class PullReader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

/** Own metrics through the OpenTelemetry SDK, a page for each reader. Nothing of it is global: another collector in the process has its own. */
export class SdkMetrics implements OwnMetrics {
  readonly meter: Meter;
  readonly #provider: MeterProvider;
  readonly #pages: readonly { readonly server: PageServer; readonly reader: PrometheusReader }[];
  #endpoints: readonly BoundEndpoint[] = [];

  constructor(readers: readonly PrometheusReader[]) {
    const sources = readers.map((reader) => ({ reader, source: new PullReader() }));
    this.#provider = new MeterProvider({
      // The Collector's attributes: its dashboards tell instances apart by them.
      resource: resourceFromAttributes({
        "service.name": "otelwasm",
        "service.version": version(),
        "service.instance.id": randomUUID(),
      }),
      readers: sources.map(({ source }) => source),
    });
    // One for all: Prometheus' format wants all series of a name together.
    this.meter = this.#provider.getMeter("otelwasm", version());
    this.#pages = sources.map(({ reader, source }) => {
      const text = new PrometheusText(reader);
      const render = async () => {
        const { resourceMetrics, errors } = await source.collect();
        if (errors.length > 0) throw new AggregateError(errors, `metrics cannot be collected: ${errors.join("; ")}`);
        return { status: 200, contentType: CONTENT_TYPE, body: text.serialize(resourceMetrics) };
      };
      return { reader, server: new PageServer("/metrics", render) };
    });
    measureProcess(this.meter);
  }

  get endpoints(): readonly BoundEndpoint[] {
    return this.#endpoints;
  }

  async start(): Promise<void> {
    const endpoints: BoundEndpoint[] = [];
    for (const { server, reader } of this.#pages) {
      try {
        endpoints.push({
          component: COMPONENT,
          protocol: "prometheus",
          url: await server.listen(reader.address),
        });
      } catch (cause) {
        const message = cause instanceof Error ? cause.message : String(cause);
        throw new Error(
          `${COMPONENT}: ${message}; its readers say where own metrics are served, level: none switches them off`,
          { cause },
        );
      }
    }
    this.#endpoints = endpoints;
  }

  async shutdown(): Promise<void> {
    this.#endpoints = [];
    await Promise.all(this.#pages.map(({ server }) => server.close()));
    await this.#provider.shutdown();
  }
}
