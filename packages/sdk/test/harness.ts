// A host of a few lines, for tests of the guest alone: one instance, one call at a time.
import { fileURLToPath } from "node:url";
import { buildPlugin } from "../build/index.ts";
import { type GuestFunction, type Memory, WebAssembly } from "./webassembly.ts";

/** What a test guest exports besides ABI v1 is called through `exports`. */
export interface Guest {
  exports: Readonly<Record<string, GuestFunction>>;
  memory: Memory;
  logs: { level: number; message: string }[];
  /** @returns the status of `start` and its reason */
  start(): Outcome;
  shutdown(): Outcome;
  /** Pushes a batch: `alloc`, copy, `consume_…`. */
  consume(signal: Signal, batch: Uint8Array): Outcome;
  /** `start_…_receiver`: returns when the guest does. @returns what it set, in order */
  receive(signal: Signal): { reason: string; batches: Uint8Array[] };
  /** `consume_…` alone. */
  consumeAt(signal: Signal, pointer: number, size: number): Outcome;
}

/** What a test wants to do while the guest runs. */
export interface Host {
  /** Each `set_result_…`, instead of keeping what it got. */
  onResult?: (signal: Signal, batch: Uint8Array) => void;
  shutdownRequested?: () => boolean;
  /** Before the guest sleeps: time is the test's, and goes on by what the guest waits. @param nanoseconds of one wait */
  onWait?: (nanoseconds: bigint) => void;
}

/** When the harness's clock starts, in nanoseconds since 1970. */
export const EPOCH = 1_780_000_000_000_000_000n;

export type Signal = "traces" | "metrics" | "logs";

interface Outcome {
  status: number;
  reason: string;
  /** What the guest set; undefined if it did not, so the original goes on. */
  result: Uint8Array | undefined;
}

const binaries = new Map<string, Promise<Uint8Array>>();

/** Compiles a guest of test/guests once in this process. */
function guestBinary(name: string): Promise<Uint8Array> {
  let binary = binaries.get(name);
  if (binary === undefined) {
    const entry = fileURLToPath(new URL(`guests/assembly/${name}.ts`, import.meta.url));
    binary = buildPlugin({ entry }).then((built) => {
      if (built.diagnostics.length > 0) throw new Error(`unexpected warnings:\n${built.diagnostics.join("\n")}`);
      return built.binary;
    });
    binaries.set(name, binary);
  }
  return binary;
}

/**
 * @param config the plugin_config, as the host gives it: JSON
 * @param maximumPages the memory's limit, in 64 KiB
 */
export async function instantiate(name: string, config = "{}", maximumPages?: number, host: Host = {}): Promise<Guest> {
  const binary = await guestBinary(name);
  return instantiateBinary(maximumPages === undefined ? binary : withMaximum(binary, maximumPages), config, host);
}

/** Writes a maximum into a module's memory section. */
function withMaximum(binary: Uint8Array, pages: number): Uint8Array {
  let at = 8;
  while (at < binary.length) {
    const id = binary[at];
    let size = 0;
    let p = at + 1;
    for (let shift = 0; ; shift += 7) {
      const byte = binary[p++] ?? 0;
      size |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    if (id === 5) {
      // One memory, flags 0, minimum.
      const minimum = binary.subarray(p + 2, p + size);
      const maximum = [(pages & 0x7f) | 0x80, pages >> 7];
      const section = [5, size + maximum.length, 1, 1, ...minimum, ...maximum];
      return Uint8Array.from([...binary.subarray(0, at), ...section, ...binary.subarray(p + size)]);
    }
    at = p + size;
  }
  throw new Error("the module has no memory");
}

export function instantiateBinary(binary: Uint8Array, config: string, host: Host = {}): Guest {
  const module = new WebAssembly.Module(new Uint8Array(binary));
  const text = new TextDecoder();
  const logs: Guest["logs"] = [];
  let reason = "";
  let result: Uint8Array | undefined;
  let batches: Uint8Array[] = [];
  let passed = 0n;
  let memory: Memory;
  const bytes = (pointer: number, size: number): Uint8Array => new Uint8Array(memory.buffer, pointer >>> 0, size >>> 0);
  const utf16 = (pointer: number): string => {
    if (pointer === 0) return "";
    const size = new DataView(memory.buffer).getUint32(pointer - 4, true);
    return new TextDecoder("utf-16le").decode(bytes(pointer, size));
  };
  const setResult =
    (signal: Signal) =>
    (pointer: number, size: number): void => {
      if (host.onResult !== undefined) {
        host.onResult(signal, bytes(pointer, size));
        return;
      }
      result = bytes(pointer, size).slice();
      batches.push(result);
    };
  const view = (): DataView => new DataView(memory.buffer);
  const configBytes = new TextEncoder().encode(config);
  const instance = new WebAssembly.Instance(module, {
    env: {
      abort: (message: number, file: number, line: number, column: number) => {
        throw new Error(`abort: ${utf16(message)} at ${utf16(file)}:${line}:${column}`);
      },
    },
    "opentelemetry.io/wasm": {
      log: (level: number, pointer: number, size: number) =>
        logs.push({ level, message: text.decode(bytes(pointer, size)) }),
      set_status_reason: (pointer: number, size: number) => {
        reason = text.decode(bytes(pointer, size));
      },
      get_plugin_config: (pointer: number, limit: number) => {
        if (configBytes.length <= limit >>> 0) bytes(pointer, configBytes.length).set(configBytes);
        return configBytes.length;
      },
      get_shutdown_requested: () => (host.shutdownRequested?.() === true ? 1 : 0),
      set_result_traces: setResult("traces"),
      set_result_metrics: setResult("metrics"),
      set_result_logs: setResult("logs"),
    },
    wasi_snapshot_preview1: {
      clock_time_get: (clock: number, _precision: number | bigint, pointer: number) => {
        view().setBigUint64(pointer >>> 0, clock === 0 ? EPOCH + passed : passed, true);
        return 0;
      },
      poll_oneoff: (subscriptions: number, events: number, length: number, count: number) => {
        if (length !== 1 || view().getUint8((subscriptions >>> 0) + 8) !== 0) return 28;
        const wait = view().getBigUint64((subscriptions >>> 0) + 24, true);
        host.onWait?.(wait);
        passed += wait;
        bytes(events, 32).fill(0);
        view().setUint32(count >>> 0, 1, true);
        return 0;
      },
    },
  });
  memory = instance.exports.memory;
  const { exports } = instance;
  const call = (name: string, ...args: number[]): Outcome => {
    reason = "";
    result = undefined;
    batches = [];
    const function_ = exports[name];
    if (function_ === undefined) throw new Error(`the guest does not export ${name}`);
    const status = function_(...args);
    return { status, reason, result };
  };
  exports._initialize?.();
  return {
    exports,
    memory,
    logs,
    start: () => call("start"),
    shutdown: () => call("shutdown"),
    receive: (signal) => {
      const outcome = call(`start_${signal}_receiver`);
      return { reason: outcome.reason, batches };
    },
    consumeAt: (signal, pointer, size) => call(`consume_${signal}`, pointer, size),
    consume: (signal, batch) => {
      if (batch.length === 0) return call(`consume_${signal}`, 0, 0);
      const pointer = call("alloc", batch.length).status >>> 0;
      if (pointer === 0) return { status: -1, reason: "alloc answered 0", result: undefined };
      bytes(pointer, batch.length).set(batch);
      return call(`consume_${signal}`, pointer, batch.length);
    },
  };
}
