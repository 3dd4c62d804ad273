import type { Meter } from "@opentelemetry/api";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { MeterProvider, MetricReader, type ResourceMetrics } from "@opentelemetry/sdk-metrics";
import type { Logger } from "../../component/logger.ts";
import type { MetricsLevel } from "../../component/measuring.ts";
import type { Ports } from "../../component/ports.ts";
import { PageServer } from "../../transport/page-server.ts";
import type { BoundEndpoint } from "../graph.ts";
import { SCOPE } from "../telemetry/encode.ts";
import { createSender } from "../telemetry/otlp.ts";
import type { ResourceAttributes } from "../telemetry/resource.ts";
import { version } from "../version.ts";
import { encodeMetrics } from "./encode.ts";
import type { MetricsOptions, OwnMetrics } from "./metrics.ts";
import { PeriodicExport } from "./periodic.ts";
import { measureProcess } from "./process.ts";
import { PrometheusText } from "./prometheus.ts";
import { SeriesStore } from "./series.ts";
import type { PeriodicReader, PrometheusReader } from "./settings.ts";
import type { MetricView } from "./view-settings.ts";
import { applyViews } from "./views.ts";

const COMPONENT = "service::telemetry::metrics";
/** The format's name: https://prometheus.io/docs/instrumenting/exposition_formats/ */
const CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** Collects when it is asked to. */
class PullReader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

type MeasuredOptions = Omit<MetricsOptions, "level" | "traces" | "logs"> & { readonly level: MetricsLevel };

interface Page {
  readonly server: PageServer;
  readonly reader: PrometheusReader;
}

/** Own metrics through the OpenTelemetry SDK, a page for each reader. Nothing of it is global: another collector in the process has its own. */
export class SdkMetrics implements OwnMetrics {
  readonly meter: Meter;
  readonly measuring: SeriesStore;
  readonly tracing = undefined;
  readonly portOwner: object = {};
  readonly #source: PullReader = new PullReader();
  readonly #provider: MeterProvider;
  readonly #views: readonly MetricView[];
  readonly #pages: Page[] = [];
  readonly #exports: PeriodicExport[] = [];
  readonly #ports: Ports | undefined;
  #endpoints: readonly BoundEndpoint[] = [];

  constructor({ level, readers, views, resource, logger, ports }: MeasuredOptions) {
    this.#ports = ports?.of(this.portOwner);
    this.#provider = new MeterProvider({ resource: resourceFromAttributes(resource), readers: [this.#source] });
    this.meter = this.#provider.getMeter(SCOPE, version());
    this.measuring = new SeriesStore(level);
    this.#views = views;
    for (const reader of readers) {
      if (reader.type === "prometheus") this.#pages.push(this.#page(reader));
      else this.#exports.push(this.#export(reader, resource, logger));
    }
    measureProcess(this.meter);
  }

  #page(reader: PrometheusReader): Page {
    const text = new PrometheusText(reader);
    const render = async () => ({
      status: 200,
      contentType: CONTENT_TYPE,
      body: text.serialize(await this.#collect()),
    });
    return { reader, server: new PageServer("/metrics", render) };
  }

  #export({ interval, timeout, target }: PeriodicReader, resource: ResourceAttributes, logger: Logger): PeriodicExport {
    const collect = async () => encodeMetrics(resource, (await this.#collect()).scopeMetrics[0]!.metrics);
    const exporter = createSender(target, COMPONENT, logger);
    return new PeriodicExport({ intervalMs: interval, timeoutMs: timeout, collect, exporter, logger });
  }

  /** Everything in one scope: Prometheus' format wants all series of a name together. */
  async #collect(): Promise<ResourceMetrics> {
    const { resourceMetrics, errors } = await this.#source.collect();
    if (errors.length > 0) throw new AggregateError(errors, `metrics cannot be collected: ${errors.join("; ")}`);
    const metrics = resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics);
    const scope = { name: SCOPE, version: version() };
    return {
      resource: resourceMetrics.resource,
      scopeMetrics: [{ scope, metrics: [...applyViews(this.#views, [...metrics, ...this.measuring.collect()])] }],
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
          url: await server.listen(reader.address, this.#ports),
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
    for (const each of this.#exports) await each.start();
  }

  async shutdown(): Promise<void> {
    this.#endpoints = [];
    // With the last counts of everything that has stopped by now.
    await Promise.all(this.#exports.map((each) => each.shutdown()));
    await Promise.all(this.#pages.map(({ server }) => server.close()));
    await this.#provider.shutdown();
  }
}
