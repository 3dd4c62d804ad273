import { randomUUID } from "node:crypto";
import type { Meter } from "@opentelemetry/api";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { MeterProvider, MetricReader, type ResourceMetrics } from "@opentelemetry/sdk-metrics";
import type { MetricsLevel } from "../../component/measuring.ts";
import { PageServer } from "../../transport/page-server.ts";
import type { BoundEndpoint } from "../graph.ts";
import { version } from "../version.ts";
import type { OwnMetrics } from "./metrics.ts";
import { measureProcess } from "./process.ts";
import { PrometheusText } from "./prometheus.ts";
import { SeriesStore } from "./series.ts";
import type { PrometheusReader } from "./settings.ts";

const COMPONENT = "service::telemetry::metrics";
const SCOPE = "otelwasm";
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
  readonly measuring: SeriesStore;
  readonly #source: PullReader = new PullReader();
  readonly #provider: MeterProvider;
  readonly #pages: readonly { readonly server: PageServer; readonly reader: PrometheusReader }[];
  #endpoints: readonly BoundEndpoint[] = [];

  constructor(level: MetricsLevel, readers: readonly PrometheusReader[]) {
    this.#provider = new MeterProvider({
      // The Collector's attributes: its dashboards tell instances apart by them.
      resource: resourceFromAttributes({
        "service.name": "otelwasm",
        "service.version": version(),
        "service.instance.id": randomUUID(),
      }),
      readers: [this.#source],
    });
    this.meter = this.#provider.getMeter(SCOPE, version());
    this.measuring = new SeriesStore(level);
    this.#pages = readers.map((reader) => {
      const text = new PrometheusText(reader);
      const render = async () => ({
        status: 200,
        contentType: CONTENT_TYPE,
        body: text.serialize(await this.#collect()),
      });
      return { reader, server: new PageServer("/metrics", render) };
    });
    measureProcess(this.meter);
  }

  /** Everything in one scope: Prometheus' format wants all series of a name together. */
  async #collect(): Promise<ResourceMetrics> {
    const { resourceMetrics, errors } = await this.#source.collect();
    if (errors.length > 0) throw new AggregateError(errors, `metrics cannot be collected: ${errors.join("; ")}`);
    const metrics = resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics);
    const scope = { name: SCOPE, version: version() };
    return {
      resource: resourceMetrics.resource,
      scopeMetrics: [{ scope, metrics: [...metrics, ...this.measuring.collect()] }],
    };
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
