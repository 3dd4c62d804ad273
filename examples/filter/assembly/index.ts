// Drops spans, metrics, data points and log records for which a condition holds, and what is empty then.
import { config, LogRecord, Logs, Metric, Metrics, MetricType, Processor, Slice, Span, Status, Traces } from "@otelwasm/sdk";
import { DatapointCondition, LogRecordCondition, MetricCondition, SpanCondition } from "./conditions";
import { Settings } from "./settings";

export class Filter extends Processor {
  private settings: Settings = config<Settings>();
  private spans: SpanCondition[] = [];
  private metrics: MetricCondition[] = [];
  private datapoints: DatapointCondition[] = [];
  private logRecords: LogRecordCondition[] = [];

  constructor() {
    super();
    const traces = this.settings.traces;
    const metrics = this.settings.metrics;
    const logs = this.settings.logs;
    for (let i = 0; i < traces.span.length; ++i) this.spans.push(new SpanCondition(traces.span[i], at("traces.span", i)));
    for (let i = 0; i < metrics.metric.length; ++i) {
      this.metrics.push(new MetricCondition(metrics.metric[i], at("metrics.metric", i)));
    }
    for (let i = 0; i < metrics.datapoint.length; ++i) {
      this.datapoints.push(new DatapointCondition(metrics.datapoint[i], at("metrics.datapoint", i)));
    }
    for (let i = 0; i < logs.logRecord.length; ++i) {
      this.logRecords.push(new LogRecordCondition(logs.logRecord[i], at("logs.log_record", i)));
    }
  }

  processTraces(traces: Traces): Status {
    const conditions = this.spans;
    if (conditions.length == 0) return Status.ok();
    for (const resource of traces.resourceSpans) {
      for (const condition of conditions) condition.enterResource(resource.resource);
      let scopes = 0;
      for (const scope of resource.scopeSpans) {
        for (const condition of conditions) condition.enterScope(scope.scope);
        let kept = 0;
        for (const span of scope.spans) {
          if (this.drops(span)) span.remove();
          else ++kept;
        }
        if (kept == 0) scope.remove();
        else ++scopes;
      }
      if (scopes == 0) resource.remove();
    }
    return Status.ok();
  }

  processLogs(logs: Logs): Status {
    const conditions = this.logRecords;
    if (conditions.length == 0) return Status.ok();
    for (const resource of logs.resourceLogs) {
      for (const condition of conditions) condition.enterResource(resource.resource);
      let scopes = 0;
      for (const scope of resource.scopeLogs) {
        for (const condition of conditions) condition.enterScope(scope.scope);
        let kept = 0;
        for (const record of scope.logRecords) {
          if (this.dropsRecord(record)) record.remove();
          else ++kept;
        }
        if (kept == 0) scope.remove();
        else ++scopes;
      }
      if (scopes == 0) resource.remove();
    }
    return Status.ok();
  }

  processMetrics(metrics: Metrics): Status {
    if (this.metrics.length == 0 && this.datapoints.length == 0) return Status.ok();
    for (const resource of metrics.resourceMetrics) {
      for (const condition of this.metrics) condition.enterResource(resource.resource);
      for (const condition of this.datapoints) condition.enterResource(resource.resource);
      let scopes = 0;
      for (const scope of resource.scopeMetrics) {
        for (const condition of this.metrics) condition.enterScope(scope.scope);
        for (const condition of this.datapoints) condition.enterScope(scope.scope);
        let kept = 0;
        for (const metric of scope.metrics) {
          if (this.dropsMetric(metric) || this.dropsAllPoints(metric)) metric.remove();
          else ++kept;
        }
        if (kept == 0) scope.remove();
        else ++scopes;
      }
      if (scopes == 0) resource.remove();
    }
    return Status.ok();
  }

  private drops(span: Span): bool {
    for (const condition of this.spans) if (condition.matches(span)) return true;
    return false;
  }

  private dropsRecord(record: LogRecord): bool {
    for (const condition of this.logRecords) if (condition.matches(record)) return true;
    return false;
  }

  private dropsMetric(metric: Metric): bool {
    for (const condition of this.metrics) if (condition.matches(metric)) return true;
    return false;
  }

  /** Drops data points. @returns whether the metric has none then; as in the Collector, also if it came without */
  private dropsAllPoints(metric: Metric): bool {
    if (this.datapoints.length == 0) return false;
    let any = false;
    for (const condition of this.datapoints) if (condition.enterMetric(metric)) any = true;
    switch (metric.type) {
      case MetricType.Gauge:
        return this.dropsAllOf(metric.gauge.dataPoints, any);
      case MetricType.Sum:
        return this.dropsAllOf(metric.sum.dataPoints, any);
      case MetricType.Histogram:
        return this.dropsAllOf(metric.histogram.dataPoints, any);
      case MetricType.ExponentialHistogram:
        return this.dropsAllOf(metric.exponentialHistogram.dataPoints, any);
      case MetricType.Summary:
        return this.dropsAllOf(metric.summary.dataPoints, any);
      default:
        return false;
    }
  }

  private dropsAllOf<T>(points: Slice<T>, any: bool): bool {
    if (!any) return points.length == 0;
    let kept = 0;
    for (const point of points) {
      let drops = false;
      for (const condition of this.datapoints) if (condition.matches(point.attributes)) drops = true;
      if (drops) point.remove();
      else ++kept;
    }
    return kept == 0;
  }
}

function at(path: string, index: i32): string {
  return path + "[" + index.toString() + "]";
}
