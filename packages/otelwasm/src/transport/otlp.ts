import { SIGNALS, type Signal } from "../telemetry/batch.ts";

/** Where OTLP goes for each signal: https://opentelemetry.io/docs/specs/otlp/ */
export interface OtlpTarget {
  /** The default URL path over HTTP. */
  readonly httpPath: string;
  /** gRPC's `:path` of the one method that there is. */
  readonly grpcPath: string;
}

function target(signal: Signal, service: string): OtlpTarget {
  return {
    httpPath: `/v1/${signal}`,
    grpcPath: `/opentelemetry.proto.collector.${service}Service/Export`,
  };
}

export const OTLP: Readonly<Record<Signal, OtlpTarget>> = {
  traces: target("traces", "trace.v1.Trace"),
  metrics: target("metrics", "metrics.v1.Metrics"),
  logs: target("logs", "logs.v1.Logs"),
};

export const PROTOBUF = "application/x-protobuf";
export const JSON_TYPE = "application/json";
export const USER_AGENT = "otelwasm";

/** The signal that a gRPC path is for. */
export const SIGNAL_OF_GRPC_PATH: ReadonlyMap<string, Signal> = new Map(
  SIGNALS.map((signal) => [OTLP[signal].grpcPath, signal]),
);
