// Reaches every accessor, so that each is compiled once and a fixed change is made to every message of a batch.
import {
  AggregationTemporality,
  type Attributes,
  Bytes,
  type Exemplar,
  type Logs,
  type Metrics,
  MetricType,
  type NumberDataPoint,
  NumberDataPointValueType,
  Processor,
  Resource,
  SeverityNumber,
  type Slice,
  SpanKind,
  Status,
  StatusCode,
  type Traces,
  ValueType,
} from "@otelwasm/sdk";

function mark(attributes: Attributes): void {
  attributes.putInt("marked", 1);
}

function markExemplars(exemplars: Slice<Exemplar>): void {
  for (const exemplar of exemplars) {
    mark(exemplar.filteredAttributes);
    exemplar.timestamp += 1;
    exemplar.intValue = exemplar.intValue + <i64>exemplar.doubleValue;
    exemplar.traceId = Bytes.fromHex("0102");
  }
}

function markNumbers(points: Slice<NumberDataPoint>): void {
  for (const point of points) {
    mark(point.attributes);
    if (point.valueType == NumberDataPointValueType.Int) point.intValue += 1;
    else point.doubleValue = point.doubleValue + 1;
    point.flags |= 1;
    markExemplars(point.exemplars);
  }
}

export class Everything extends Processor {
  processTraces(traces: Traces): Status {
    for (const resource of traces.resourceSpans) {
      mark(resource.resource.attributes);
      for (const entity of resource.resource.entityRefs) {
        const keys = entity.idKeys.toArray();
        keys.push("more");
        entity.idKeys.set(keys);
        entity.descriptionKeys.append("described");
      }
      for (const scope of resource.scopeSpans) {
        scope.scope.version = scope.scope.version + "!";
        for (const span of scope.spans) {
          mark(span.attributes);
          span.name = span.name + "!";
          span.kind = SpanKind.Server;
          span.parentSpanId = span.spanId;
          span.droppedLinksCount = 0;
          span.status.code = StatusCode.Error;
          span.status.message = "broken";
          for (const event of span.events) {
            mark(event.attributes);
            event.timestamp = event.timestamp + 1;
          }
          for (const link of span.links) {
            mark(link.attributes);
            link.flags = link.flags + 1;
          }
        }
      }
    }
    return Status.ok();
  }

  processMetrics(metrics: Metrics): Status {
    for (const resource of metrics.resourceMetrics) {
      mark(resource.resource.attributes);
      for (const scope of resource.scopeMetrics) {
        for (const metric of scope.metrics) {
          metric.unit = "1";
          mark(metric.metadata);
          switch (metric.type) {
            case MetricType.Gauge:
              markNumbers(metric.gauge.dataPoints);
              break;
            case MetricType.Sum:
              metric.sum.isMonotonic = !metric.sum.isMonotonic;
              metric.sum.aggregationTemporality = AggregationTemporality.Delta;
              markNumbers(metric.sum.dataPoints);
              break;
            case MetricType.Histogram:
              for (const point of metric.histogram.dataPoints) {
                mark(point.attributes);
                point.count += 1;
                if (point.hasSum) point.sum = point.sum + 1;
                else point.sum = 0;
                point.removeMin();
                const counts = point.bucketCounts.toArray();
                counts.push(7);
                point.bucketCounts.set(counts);
                const bounds = point.explicitBounds.toArray();
                bounds.push(0.5);
                point.explicitBounds.set(bounds);
                markExemplars(point.exemplars);
              }
              break;
            case MetricType.ExponentialHistogram:
              for (const point of metric.exponentialHistogram.dataPoints) {
                mark(point.attributes);
                point.scale = point.scale - 1;
                point.zeroThreshold = point.zeroThreshold + 1;
                const counts = point.positive.bucketCounts.toArray();
                counts.push(300);
                point.positive.bucketCounts.set(counts);
                point.positive.offset = -5;
                markExemplars(point.exemplars);
              }
              break;
            case MetricType.Summary:
              for (const point of metric.summary.dataPoints) {
                mark(point.attributes);
                point.sum = point.sum + 1;
                for (const quantile of point.quantileValues) quantile.value = quantile.value + 1;
              }
              break;
            default:
              metric.setEmptyGauge();
          }
        }
      }
    }
    return Status.ok();
  }

  processLogs(logs: Logs): Status {
    for (const resource of logs.resourceLogs) {
      mark(resource.resource.attributes);
      resource.schemaUrl = "";
      for (const scope of resource.scopeLogs) {
        mark(scope.scope.attributes);
        for (const record of scope.logRecords) {
          mark(record.attributes);
          record.observedTimestamp = record.timestamp;
          record.severityNumber = SeverityNumber.Error;
          record.severityText = "ERROR";
          record.flags = record.flags + 1;
          record.eventName = record.eventName + "é\u{1f600}";
          if (record.body.type == ValueType.Str) record.body.setStr(record.body.str + "!");
          else if (record.body.type == ValueType.Map) mark(record.body.map);
          else record.body.setBool(true);
        }
      }
    }
    return Status.ok();
  }
}
