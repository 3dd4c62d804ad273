/** Collectors in this process, and the configurations that the tests share. */
import { type Collector, type CollectorOptions, createCollector } from "otelwasm";
import type { Target } from "./clients.ts";
import { SIGNALS, type Signal } from "./proto.ts";

export const OUTPUTS = ["otlp_grpc", "otlp_http"] as const;
export type Output = (typeof OUTPUTS)[number];

/** Both protocols on ports that the system chooses. */
export const anyPort = {
  protocols: { grpc: { endpoint: "127.0.0.1:0" }, http: { endpoint: "127.0.0.1:0" } },
} as const;

/** Neither queue nor retry: an exporter's error is the client's answer. */
export const SINGLE_ATTEMPT = { retry_on_failure: { enabled: false }, sending_queue: { enabled: false } } as const;

/** Straight to the sink: each request is tried once and answered by what came of it. */
export function exporter(output: Output, sink: Target, more: Record<string, unknown> = {}): Record<string, unknown> {
  const common = { ...SINGLE_ATTEMPT, ...more };
  return output === "otlp_grpc"
    ? { endpoint: new URL(sink.grpcUrl).host, tls: { insecure: true }, ...common }
    : { endpoint: sink.httpUrl, ...common };
}

/** `otlp` in, `processors` in their order, `output` out, for all three signals or those that are named. */
export function throughConfig(
  output: Output,
  sink: Target,
  processors: Record<string, unknown> = {},
  { signals = SIGNALS, exporter: more = {} }: { signals?: readonly Signal[]; exporter?: Record<string, unknown> } = {},
): object {
  return {
    receivers: { otlp: anyPort },
    processors,
    exporters: { [output]: exporter(output, sink, more) },
    service: {
      pipelines: Object.fromEntries(
        signals.map((signal) => [
          signal,
          { receivers: ["otlp"], processors: Object.keys(processors), exporters: [output] },
        ]),
      ),
    },
  };
}

export interface Running extends Target, AsyncDisposable {
  readonly collector: Collector;
  /** Of an endpoint. @param protocol as `Collector.endpoints` has it */
  url(protocol: string): string;
  shutdown(): Promise<void>;
}

/** Started when it resolves, and reachable under the addresses that it says. */
export async function startCollector(
  config: object,
  options: Pick<CollectorOptions, "logger" | "factories"> = {},
): Promise<Running> {
  const collector = await createCollector(config, options);
  await collector.start();
  // Kept, because a collector that was shut down has none.
  const { endpoints } = collector;
  const url = (protocol: string): string => {
    const found = endpoints.find((endpoint) => endpoint.protocol === protocol);
    if (found === undefined) throw new Error(`no ${protocol} among ${JSON.stringify(endpoints)}`);
    return found.url;
  };
  const shutdown = (): Promise<void> => collector.shutdown();
  return {
    collector,
    url,
    // Asked when needed: not every collector has a server.
    get grpcUrl() {
      return url("grpc");
    },
    get httpUrl() {
      return url("http");
    },
    shutdown,
    [Symbol.asyncDispose]: shutdown,
  };
}
