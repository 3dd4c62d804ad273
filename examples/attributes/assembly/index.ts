// The Collector's attributes processor as a plugin:
// https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/processor/attributesprocessor
import { Logs, Metric, Metrics, MetricType, Processor, Status, Traces } from "@otelwasm/sdk";
import { Message } from "@otelwasm/sdk/wire/message";
import { Action } from "./action";
import { beginItem, commitEntries, scanAttributes } from "./entries";
import { configProblem } from "./reader";
import { Selection } from "./selection";
import { Settings } from "./settings";

// Numbers of the fields that hold attributes.
const SPAN: u32 = 9;
const LOG_RECORD: u32 = 6;
const NUMBER_DATA_POINT: u32 = 7;
const HISTOGRAM_DATA_POINT: u32 = 9;
const EXPONENTIAL_HISTOGRAM_DATA_POINT: u32 = 1;
const SUMMARY_DATA_POINT: u32 = 7;

export class AttributesProcessor extends Processor {
  private actions: Action[];
  private selection: Selection;

  constructor() {
    super();
    const settings = new Settings();
    this.actions = settings.actions;
    this.selection = settings.selection;
  }

  start(): Status {
    const problem = configProblem();
    return problem === null ? Status.ok() : Status.error(problem);
  }

  processTraces(traces: Traces): Status {
    const selection = this.selection;
    const problem = selection.tracesProblem;
    if (problem !== null) return Status.error(problem);
    for (const resource of traces.resourceSpans) {
      if (!selection.enterResource(resource)) continue;
      for (const scope of resource.scopeSpans) {
        if (!selection.enterScope(scope)) continue;
        for (const span of scope.spans) {
          beginItem();
          if (selection.hasSpan(span)) this.process(span, SPAN);
        }
      }
    }
    return Status.ok();
  }

  processLogs(logs: Logs): Status {
    const selection = this.selection;
    const problem = selection.logsProblem;
    if (problem !== null) return Status.error(problem);
    for (const resource of logs.resourceLogs) {
      if (!selection.enterResource(resource)) continue;
      for (const scope of resource.scopeLogs) {
        if (!selection.enterScope(scope)) continue;
        for (const record of scope.logRecords) {
          beginItem();
          if (selection.hasLog(record)) this.process(record, LOG_RECORD);
        }
      }
    }
    return Status.ok();
  }

  processMetrics(metrics: Metrics): Status {
    const selection = this.selection;
    const problem = selection.metricsProblem;
    if (problem !== null) return Status.error(problem);
    for (const resource of metrics.resourceMetrics) {
      if (!selection.enterResource(resource)) continue;
      for (const scope of resource.scopeMetrics) {
        if (!selection.enterScope(scope)) continue;
        for (const metric of scope.metrics) {
          if (selection.hasMetric(metric)) this.processDataPoints(metric);
        }
      }
    }
    return Status.ok();
  }

  private processDataPoints(metric: Metric): void {
    switch (metric.type) {
      case MetricType.Gauge:
        for (const point of metric.gauge.dataPoints) this.processPoint(point, NUMBER_DATA_POINT);
        break;
      case MetricType.Sum:
        for (const point of metric.sum.dataPoints) this.processPoint(point, NUMBER_DATA_POINT);
        break;
      case MetricType.Histogram:
        for (const point of metric.histogram.dataPoints) this.processPoint(point, HISTOGRAM_DATA_POINT);
        break;
      case MetricType.ExponentialHistogram:
        for (const point of metric.exponentialHistogram.dataPoints) this.processPoint(point, EXPONENTIAL_HISTOGRAM_DATA_POINT);
        break;
      case MetricType.Summary:
        for (const point of metric.summary.dataPoints) this.processPoint(point, SUMMARY_DATA_POINT);
        break;
    }
  }

  private processPoint(point: Message, field: u32): void {
    beginItem();
    this.process(point, field);
  }

  private process(item: Message, field: u32): void {
    scanAttributes(item, field);
    const actions = this.actions;
    for (let i = 0, count = actions.length; i < count; ++i) unchecked(actions[i]).apply(field);
    commitEntries(item, field);
  }
}
