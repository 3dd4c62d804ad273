/** What is played, by name. */
import { buildAttributesPlugin } from "../../examples/attributes/build.ts";
import type { Overload } from "./overload.ts";
import type { Scenario } from "./scenario.ts";

const BOTH = ["otlp_grpc", "otlp_http"] as const;

/** The example that alters what it gets, in a worker. */
async function plugin(): Promise<Readonly<Record<string, unknown>>> {
  const actions = [{ key: "deployment.environment", value: "chaos", action: "insert" }];
  return { "wasm/attributes": { path: await buildAttributesPlugin(), plugin_config: { actions } } };
}

const REFUSALS = {
  unavailable: 0.1,
  throttled: 0.05,
  timeout: 0.05,
  bad: 0.05,
  internal: 0.05,
  partial: 0.05,
} as const;
/** What passes. */
const TROUBLE = { unavailable: 0.05, throttled: 0.02, timeout: 0.02 } as const;
const BROKEN = { reset: 0.4, hang: 0.1, garbage: 0.3, slow: 0.2 } as const;
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
    sink: REFUSALS,
  },
  {
    name: "refusing-grpc",
    what: "the same over gRPC",
    outputs: ["otlp_grpc"],
    queue: "off",
    processors: plugin,
    sink: REFUSALS,
  },
  {
    name: "queue",
    what: "a queue in memory between clients and sinks that have every trouble there is",
    outputs: BOTH,
    queue: "memory",
    processors: plugin,
    sink: { ...TROUBLE, mute: 0.01, late: 0.01 },
    line: BROKEN,
  },
  {
    name: "away-queue",
    what: "a destination that comes and goes, behind a queue in memory: clients do not notice",
    outputs: BOTH,
    queue: "memory",
    happens: { what: "destination away", every: [200, 1500] },
    calm: true,
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
    line: BROKEN,
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
    name: "kill9-memory",
    what: "the same with a queue in memory, while the sink refuses and connections break",
    outputs: BOTH,
    queue: "memory",
    sink: TROUBLE,
    line: BROKEN,
    happens: { what: "kill -9", every: [50, 1500], times: 50 },
  },
  {
    name: "disk",
    what: "a queue on disk between clients and sinks that have every trouble there is",
    outputs: BOTH,
    queue: "disk",
    processors: plugin,
    sink: { ...TROUBLE, mute: 0.01, late: 0.01, bad: 0.01, partial: 0.01 },
    line: BROKEN,
  },
  {
    name: "kill9-disk",
    what: "kill -9 at random moments, with a queue on disk, while the sink refuses and connections break",
    outputs: BOTH,
    queue: "disk",
    processors: plugin,
    sink: TROUBLE,
    line: BROKEN,
    happens: { what: "kill -9", every: [50, 1500], times: 50 },
  },
  {
    name: "down-disk",
    what: "a destination that is away while the process ends, by kill -9 or SIGTERM, and starts again",
    outputs: ["otlp_http"],
    queue: "disk",
    happens: { what: "destination away over a restart", every: [200, 1000], times: 20 },
  },
  {
    name: "full-store",
    what: "a destination that comes and goes, and a store that may have 1 MiB: what it has no room for is refused",
    outputs: ["otlp_grpc"],
    queue: "disk",
    sendingQueue: { queue_size: 1_000_000 },
    disk: { maxSize: "1MiB" },
    happens: { what: "destination away", every: [100, 500] },
  },
  {
    name: "full-disk",
    what: "a disk that is full from time to time, and a destination in trouble",
    outputs: ["otlp_http"],
    queue: "disk",
    disk: { size: "24m" },
    sink: { unavailable: 0.3 },
    happens: { what: "disk full", every: [100, 500] },
  },
  {
    name: "shutdown-disk",
    what: "SIGTERM under load, with a queue on disk: what is acknowledged is delivered, or in the store for the next life",
    outputs: BOTH,
    queue: "disk",
    sink: TROUBLE,
    happens: { what: "SIGTERM", every: [50, 1000], times: 50 },
  },
  {
    name: "reload-disk",
    what: "SIGHUP under load: exporters with queues on disk are replaced while sinks are in trouble",
    outputs: BOTH,
    queue: "disk",
    processors: plugin,
    sink: TROUBLE,
    line: BROKEN,
    happens: { what: "SIGHUP", every: [50, 1000], times: 50 },
  },
  {
    name: "reload",
    what: "SIGHUP under load: exporters with queues in memory are replaced, and clients do not notice",
    outputs: BOTH,
    queue: "memory",
    processors: batched,
    happens: { what: "SIGHUP", every: [50, 1000], times: 50 },
    calm: true,
  },
  {
    name: "kill9-batch",
    what: "kill -9 with batches in hand, of the processor and of the queue",
    outputs: BOTH,
    queue: "disk",
    sendingQueue: { batch: { flush_timeout: "20ms", min_size: 50, max_size: 64 } },
    processors: batched,
    happens: { what: "kill -9", every: [50, 1500], times: 20 },
  },
  {
    name: "shutdown",
    what: "SIGTERM under load: what is acknowledged is delivered, the exit code is 0",
    outputs: BOTH,
    queue: "memory",
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

/** What the collector has without any load, and what V8 and the system keep of what was freed. */
const BASE_MIB = 350;
const LIMIT_MIB = 64;

export const OVERLOADS: readonly Overload[] = [
  {
    name: "overload",
    what: "three times what the sink carries, before a queue in memory",
    output: "otlp_http",
    delivery: { sending_queue: { queue_size: 200 } },
    processors: {},
    requestBytes: 20_000,
    holdMs: 80,
    limitMib: BASE_MIB,
  },
  {
    name: "overload-limiter",
    what: "the same with a queue without end, and memory_limiter",
    output: "otlp_grpc",
    delivery: { sending_queue: { queue_size: 100_000 } },
    processors: { memory_limiter: { check_interval: "100ms", limit_mib: LIMIT_MIB } },
    requestBytes: 200_000,
    holdMs: 160,
    limitMib: BASE_MIB + LIMIT_MIB,
  },
  {
    name: "overload-disk",
    what: "the same with a queue on disk that is full: what is accepted is as much as is delivered",
    output: "otlp_http",
    delivery: { sending_queue: { queue_size: 200, storage: "file_storage" } },
    processors: {},
    requestBytes: 20_000,
    holdMs: 80,
    limitMib: BASE_MIB,
  },
  {
    name: "overload-cpu",
    what: "the same with a sink without delay: the processor is the limit, and shared with the clients",
    output: "otlp_grpc",
    delivery: { sending_queue: { queue_size: 200 } },
    processors: {},
    requestBytes: 20_000,
    holdMs: 0,
    limitMib: BASE_MIB,
  },
];
