import type { Batch } from "./batch.ts";
import { FieldReader } from "./fields.ts";
import { WireType } from "./writer.ts";

/** What a batch holds. */
export interface BatchSummary {
  /** `ResourceSpans`, `ResourceMetrics` or `ResourceLogs`. */
  readonly resources: number;
  /** 0 for other signals. */
  readonly metrics: number;
  /** Spans, log records or metric data points. */
  readonly items: number;
}

/** These have the same numbers in all three signals. */
const RESOURCES = 1;
const SCOPES = 2;
/** Spans, log records or metrics, in their scope. */
const ITEMS = 2;
const DATA_POINTS = 1;

/** The `oneof data` of a metric: gauge, sum, histogram, exponential_histogram, summary. */
export function isData(number: number): boolean {
  return number === 5 || number === 7 || number === 9 || number === 10 || number === 11;
}

function isMessage(reader: FieldReader, number: number): boolean {
  return reader.number === number && reader.wireType === WireType.LEN;
}

/**
 * The data points of a metric; of several kinds in one metric, the last counts.
 *
 * @param reader set to the metric
 * @param points of the same bytes, for use here
 */
export function dataPoints(reader: FieldReader, points: FieldReader): number {
  let count = 0;
  let kind = 0;
  while (reader.next()) {
    if (!isData(reader.number) || reader.wireType !== WireType.LEN) continue;
    if (reader.number !== kind) count = 0;
    kind = reader.number;
    points.reset(reader.start, reader.end);
    while (points.next()) if (isMessage(points, DATA_POINTS)) count++;
  }
  return count;
}

/** Counts without decoding. Of bytes that are not well-formed, what stands before the malformed place. */
export function summarize({ signal, bytes }: Batch): BatchSummary {
  let resources = 0;
  let metrics = 0;
  let items = 0;
  const top = new FieldReader(bytes);
  const resource = new FieldReader(bytes);
  const scope = new FieldReader(bytes);
  const metric = new FieldReader(bytes);
  const points = new FieldReader(bytes);
  while (top.next()) {
    if (!isMessage(top, RESOURCES)) continue;
    resources++;
    resource.reset(top.start, top.end);
    while (resource.next()) {
      if (!isMessage(resource, SCOPES)) continue;
      scope.reset(resource.start, resource.end);
      while (scope.next()) {
        if (!isMessage(scope, ITEMS)) continue;
        if (signal !== "metrics") {
          items++;
          continue;
        }
        metrics++;
        metric.reset(scope.start, scope.end);
        items += dataPoints(metric, points);
      }
    }
  }
  return { resources, metrics, items };
}

/**
 * Spans, log records or metric data points, counted once for each batch. To be called before the batch is handed on: its buffer may be gone after that. Of bytes that are
 * not well-formed, what stands before the malformed place.
 */
export function itemsOf(batch: Batch): number {
  batch.items ??= summarize(batch).items;
  return batch.items;
}
