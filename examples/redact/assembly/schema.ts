// Where in OTLP's messages texts stand that are looked through: for each type of message, what its fields up to 15 hold.

/** What a field holds: a text, an attribute, or a message of this type. */
export const enum Type {
  /** Nothing that is looked at. */
  None,
  Text,
  Attribute,
  Value,
  ValueList,
  AttributeList,
  Resource,
  Scope,
  Traces,
  ResourceSpans,
  ScopeSpans,
  Span,
  Event,
  Link,
  SpanStatus,
  Logs,
  ResourceLogs,
  ScopeLogs,
  LogRecord,
  Metrics,
  ResourceMetrics,
  ScopeMetrics,
  Metric,
  NumberData,
  HistogramData,
  ExponentialHistogramData,
  SummaryData,
  NumberPoint,
  HistogramPoint,
  ExponentialHistogramPoint,
  SummaryPoint,
  Exemplar,
}

const FIELDS: u32 = 16;
const table = memory.data(512);

/** @param field a number up to 15 */
// @ts-ignore: decorator
@inline
export function typeOf(type: Type, field: u32): Type {
  return <Type>load<u8>(table + (<usize>type << 4) + field);
}

function set(type: Type, field: u32, held: Type): void {
  assert(field < FIELDS);
  store<u8>(table + (<usize>type << 4) + field, <u8>held);
}

export function includeSpanNames(): void {
  set(Type.Span, 5, Type.Text);
}

set(Type.Attribute, 2, Type.Value);
set(Type.Value, 1, Type.Text);
set(Type.Value, 5, Type.ValueList);
set(Type.Value, 6, Type.AttributeList);
set(Type.ValueList, 1, Type.Value);
set(Type.AttributeList, 1, Type.Attribute);
set(Type.Resource, 1, Type.Attribute);
set(Type.Scope, 3, Type.Attribute);

set(Type.Traces, 1, Type.ResourceSpans);
set(Type.ResourceSpans, 1, Type.Resource);
set(Type.ResourceSpans, 2, Type.ScopeSpans);
set(Type.ScopeSpans, 1, Type.Scope);
set(Type.ScopeSpans, 2, Type.Span);
set(Type.Span, 9, Type.Attribute);
set(Type.Span, 11, Type.Event);
set(Type.Span, 13, Type.Link);
set(Type.Span, 15, Type.SpanStatus);
set(Type.Event, 3, Type.Attribute);
set(Type.Link, 4, Type.Attribute);
set(Type.SpanStatus, 2, Type.Text);

set(Type.Logs, 1, Type.ResourceLogs);
set(Type.ResourceLogs, 1, Type.Resource);
set(Type.ResourceLogs, 2, Type.ScopeLogs);
set(Type.ScopeLogs, 1, Type.Scope);
set(Type.ScopeLogs, 2, Type.LogRecord);
set(Type.LogRecord, 5, Type.Value);
set(Type.LogRecord, 6, Type.Attribute);

set(Type.Metrics, 1, Type.ResourceMetrics);
set(Type.ResourceMetrics, 1, Type.Resource);
set(Type.ResourceMetrics, 2, Type.ScopeMetrics);
set(Type.ScopeMetrics, 1, Type.Scope);
set(Type.ScopeMetrics, 2, Type.Metric);
set(Type.Metric, 5, Type.NumberData);
set(Type.Metric, 7, Type.NumberData);
set(Type.Metric, 9, Type.HistogramData);
set(Type.Metric, 10, Type.ExponentialHistogramData);
set(Type.Metric, 11, Type.SummaryData);
set(Type.Metric, 12, Type.Attribute);
set(Type.NumberData, 1, Type.NumberPoint);
set(Type.HistogramData, 1, Type.HistogramPoint);
set(Type.ExponentialHistogramData, 1, Type.ExponentialHistogramPoint);
set(Type.SummaryData, 1, Type.SummaryPoint);
set(Type.NumberPoint, 5, Type.Exemplar);
set(Type.NumberPoint, 7, Type.Attribute);
set(Type.HistogramPoint, 8, Type.Exemplar);
set(Type.HistogramPoint, 9, Type.Attribute);
set(Type.ExponentialHistogramPoint, 1, Type.Attribute);
set(Type.ExponentialHistogramPoint, 11, Type.Exemplar);
set(Type.SummaryPoint, 7, Type.Attribute);
set(Type.Exemplar, 7, Type.Attribute);
