export { monotonicNano, nowUnixNano } from "./clock";
export {
  Component,
  Exporter,
  LogsExporter,
  LogsProcessor,
  LogsReceiver,
  MetricsExporter,
  MetricsProcessor,
  MetricsReceiver,
  Processor,
  Receiver,
  TracesExporter,
  TracesProcessor,
  TracesReceiver,
} from "./component";
export { config } from "./config/config";
export { Attributes, KeyValue } from "./data/attributes";
export { Bytes, Utf8 } from "./data/bytes";
export { FixedList, TextList, VarintList } from "./data/lists";
export { Slice, SliceIterator } from "./data/slice";
export { Value, ValueType } from "./data/value";
export { log } from "./log";
export { emit, shutdownRequested, sleep } from "./receiver";
export { Status } from "./status";
export * from "./generated/common";
export * from "./generated/logs";
export * from "./generated/metrics";
export * from "./generated/resource";
export * from "./generated/trace";
