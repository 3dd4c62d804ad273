// The attributes plugin alone: one attribute inserted into every record, and other work that configurations ask for, next to a
// plain copy of the same bytes. `npm run bench` prints it with the others; to have it alone:
//
//   node --conditions=otelwasm-source benchmarks/attributes.ts
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { buildAttributesPlugin } from "../examples/attributes/build.ts";
import type { Signal } from "../packages/otelwasm/src/telemetry/batch.ts";
import { buildPayload } from "../packages/otelwasm/src/telemetry/testing/payload.ts";

/** Rates of input bytes. */
export interface AttributesFigure {
  work: string;
  signal: Signal;
  records: number;
  batchBytes: number;
  bytesPerSecond: number;
  /** Into the plugin's memory, within it, and out of it, without a plugin. */
  copyBytesPerSecond: number;
}

const INSERT = { actions: [{ key: "bench.attr", value: "inserted", action: "insert" }] };
const FIVE_ACTIONS = {
  actions: [
    { key: "bench.attr", value: "inserted", action: "insert" },
    { key: "http.method", value: "GET", action: "update" },
    { key: "client.address", from_attribute: "peer", action: "upsert" },
    { key: "retry", action: "delete" },
    { key: "http.status_code", action: "convert", converted_type: "string" },
  ],
};
const HASH = { actions: [{ key: "user.id", action: "hash" }] };
const PATTERN = { actions: [{ pattern: "^http\\.", action: "delete" }] };
const INCLUDE = {
  include: {
    match_type: "regexp",
    log_bodies: ["in [0-9]+ ms"],
    attributes: [{ key: "http.route", value: "^/api/(cart|user)$" }],
  },
  ...INSERT,
};
const UNTOUCHED = { actions: [{ key: "not.there", action: "delete" }] };

type GuestFunction = (...args: number[]) => number;

interface Guest {
  push(batch: Uint8Array): void;
  copy(batch: Uint8Array): void;
}

/** Instantiated directly: what is measured is the guest, with the two copies that any host makes. */
function instantiate(module: WebAssembly.Module, config: object, signal: Signal): Guest {
  const text = new TextEncoder().encode(JSON.stringify(config));
  let result = new Uint8Array(0);
  const fail = (): never => {
    throw new Error(`the plugin failed with ${JSON.stringify(config)}`);
  };
  const setResult = (pointer: number, size: number): void => {
    if (result.length < size) result = new Uint8Array(size * 2);
    result.set(new Uint8Array(memory.buffer, pointer, size));
  };
  const instance = new WebAssembly.Instance(module, {
    env: { abort: fail },
    "opentelemetry.io/wasm": {
      log: () => {},
      set_status_reason: fail,
      get_plugin_config: (pointer: number, limit: number) => {
        if (text.length <= limit) new Uint8Array(memory.buffer, pointer, text.length).set(text);
        return text.length;
      },
      set_result_logs: setResult,
      set_result_traces: setResult,
      set_result_metrics: setResult,
    },
  });
  const exported = (name: string): GuestFunction => {
    const value = instance.exports[name];
    if (typeof value !== "function") throw new Error(`the plugin has no ${name}`);
    return value as GuestFunction;
  };
  const found = instance.exports.memory;
  if (!(found instanceof WebAssembly.Memory)) throw new Error("the plugin has no memory");
  const memory = found;
  exported("_initialize")();
  if (exported("start")() !== 0) fail();
  const alloc = exported("alloc");
  const consume = exported(`consume_${signal}`);
  const spare = memory.grow(64) * 65536;
  return {
    push: (batch) => {
      const pointer = alloc(batch.length);
      new Uint8Array(memory.buffer, pointer, batch.length).set(batch);
      if (consume(pointer, batch.length) !== 0) fail();
    },
    copy: (batch) => {
      const bytes = new Uint8Array(memory.buffer);
      bytes.set(batch, spare);
      bytes.copyWithin(spare + (2 << 20), spare, spare + batch.length);
      setResult(spare + (2 << 20), batch.length);
    },
  };
}

/** The best of several rounds: what the machine's other work takes away is not the guest's. */
function rate(bytes: number, seconds: number, run: () => void): number {
  const chunk = Math.max(1, Math.ceil(200_000 / bytes));
  for (let i = 0; i < 200 * chunk; i++) run();
  let best = 0;
  for (let round = 0; round < 5; round++) {
    const start = performance.now();
    let count = 0;
    let now = start;
    while (now - start < seconds * 200) {
      for (let i = 0; i < chunk; i++) run();
      count += chunk;
      now = performance.now();
    }
    best = Math.max(best, (bytes * count * 1000) / (now - start));
  }
  return best;
}

/** @param seconds how long each figure is measured */
export async function run(seconds = 0.5): Promise<AttributesFigure[]> {
  const module = new WebAssembly.Module(await readFile(await buildAttributesPlugin()));
  const measure = (work: string, config: object, signal: Signal, records: number): AttributesFigure => {
    const batch = buildPayload(signal, records);
    const guest = instantiate(module, config, signal);
    return {
      work,
      signal,
      records,
      batchBytes: batch.length,
      bytesPerSecond: rate(batch.length, seconds, () => guest.push(batch)),
      copyBytesPerSecond: rate(batch.length, seconds, () => guest.copy(batch)),
    };
  };
  return [
    measure("insert", INSERT, "logs", 1),
    measure("insert", INSERT, "logs", 100),
    measure("insert", INSERT, "logs", 1000),
    measure("insert", INSERT, "traces", 1000),
    measure("insert", INSERT, "metrics", 1000),
    measure("five actions", FIVE_ACTIONS, "logs", 1000),
    measure("hash", HASH, "logs", 1000),
    measure("delete by pattern", PATTERN, "logs", 1000),
    measure("include by regexp", INCLUDE, "logs", 1000),
    measure("nothing to do", UNTOUCHED, "logs", 1000),
  ];
}

/** One line for each figure. */
export function formatAttributes(figures: readonly AttributesFigure[]): string {
  const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(0).padStart(6);
  return figures
    .map(
      ({ work, signal, records, batchBytes, bytesPerSecond, copyBytesPerSecond }) =>
        `${work.padEnd(18)} ${signal.padEnd(7)} ${String(records).padStart(5)} items ${String(batchBytes).padStart(7)} B ` +
        `${megabytes(bytesPerSecond)} MB/s   memory.copy ${megabytes(copyBytesPerSecond)} MB/s`,
    )
    .join("\n");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(formatAttributes(await run()));
