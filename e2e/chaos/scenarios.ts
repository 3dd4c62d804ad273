/** What is played, by name. */
import { buildAttributesPlugin } from "../../examples/attributes/build.ts";
import type { Scenario } from "./scenario.ts";

const BOTH = ["otlp_grpc", "otlp_http"] as const;

/** The example that alters what it gets, in a worker. */
async function plugin(): Promise<Readonly<Record<string, unknown>>> {
  const actions = [{ key: "deployment.environment", value: "chaos", action: "insert" }];
  return { "wasm/attributes": { path: await buildAttributesPlugin(), plugin_config: { actions } } };
}

/** As most configurations of the Collector begin and end; small batches, so that many are merged and taken apart. */
async function batched(): Promise<Readonly<Record<string, unknown>>> {
  return {
    memory_limiter: { check_interval: "1s", limit_percentage: 80 },
    ...(await plugin()),
    batch: { send_batch_size: 64, send_batch_max_size: 75, timeout: "50ms" },
  };
}

export const SCENARIOS: readonly Scenario[] = [
  {
    name: "refusing",
    what: "a sink that says no, for now and for good, through a wasm plugin",
    outputs: ["otlp_http"],
    queue: "off",
    processors: plugin,
    sink: { unavailable: 0.1, throttled: 0.05, timeout: 0.05, bad: 0.05, internal: 0.05, partial: 0.05 },
  },
  {
    name: "refusing-grpc",
    what: "the same over gRPC",
    outputs: ["otlp_grpc"],
    queue: "off",
    processors: plugin,
    sink: { unavailable: 0.1, throttled: 0.05, timeout: 0.05, bad: 0.05, internal: 0.05, partial: 0.05 },
  },
  {
    name: "silent",
    what: "a sink that does not answer, or too late, in a fan-out over both protocols",
    outputs: BOTH,
    queue: "off",
    sink: { mute: 0.02, late: 0.02 },
  },
  {
    name: "broken-line",
    what: "connections to the sink that break, hang, drip and lie",
    outputs: BOTH,
    queue: "off",
    line: { reset: 0.4, hang: 0.1, garbage: 0.3, slow: 0.2 },
  },
  {
    name: "away",
    what: "a destination that comes and goes",
    outputs: ["otlp_grpc"],
    queue: "off",
    processors: plugin,
    happens: { what: "destination away", every: [200, 1500] },
  },
  {
    name: "rude-clients",
    what: "clients that leave, send half, too much, bombs, or a byte at a time; nobody else notices",
    outputs: ["otlp_http"],
    queue: "off",
    processors: plugin,
    rude: true,
    calm: true,
  },
  {
    name: "kill9",
    what: "kill -9 at random moments, without a queue: an acknowledgement means delivered",
    outputs: ["otlp_grpc"],
    queue: "off",
    processors: plugin,
    happens: { what: "kill -9", every: [50, 1500], times: 50 },
  },
  {
    name: "shutdown",
    what: "SIGTERM under load: what is acknowledged is delivered, the exit code is 0",
    outputs: BOTH,
    queue: "off",
    processors: plugin,
    happens: { what: "SIGTERM", every: [50, 1000], times: 50 },
  },
  {
    name: "batched",
    what: "refusals, silence and broken lines behind batch, which merges and splits requests",
    outputs: BOTH,
    queue: "off",
    processors: batched,
    sink: { unavailable: 0.1, throttled: 0.05, bad: 0.05, partial: 0.05, mute: 0.01 },
    line: { reset: 0.1, garbage: 0.05 },
  },
  {
    name: "batched-shutdown",
    what: "SIGTERM while requests wait in batch: what is acknowledged is delivered, the exit code is 0",
    outputs: ["otlp_http"],
    queue: "off",
    processors: batched,
    happens: { what: "SIGTERM", every: [50, 1000], times: 50 },
  },
];
