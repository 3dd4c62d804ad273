/**
 * What it costs to cross into a guest and back: a payload is pushed to an echo plugin and its result taken.
 *
 * 1. Against the guest's own `memory.copy` of the same bytes, timed in the same rounds. Pushing and taking back is two copies, so that
 *    twice is what nothing but the copies would cost.
 * 2. In a worker and in a process of its own against inline: the hop there and back, one call at a time and pipelined.
 * 3. Push (ABI v1) against pull (the experimental interface, whose driver is here and nowhere else).
 *
 * `node benchmarks/boundary.ts` prints the table; `run` gives the rows to others.
 */
import { GUEST_FUNCTIONS, type GuestFunction } from "../packages/otelwasm/src/abi/names.ts";
import { silentLogger } from "../packages/otelwasm/src/component/logger.ts";
import { ownCopy as copyBytes, view } from "../packages/otelwasm/src/plugin/guest-memory.ts";
import { instantiateGuest, type PluginGuest } from "../packages/otelwasm/src/plugin/instantiate.ts";
import { DEFAULT_LIMITS } from "../packages/otelwasm/src/plugin/options.ts";
import { WasmPlugin } from "../packages/otelwasm/src/plugin/plugin.ts";
import { ECHO, guest as echoGuest } from "../packages/otelwasm/src/plugin/testing/guests.ts";
import type {
  FunctionInstance,
  HostFunction,
  Memory,
  ModuleInstance,
  Runtime,
} from "../packages/otelwasm/src/runtime/contract.ts";
import { create } from "../packages/otelwasm/src/runtime/registry.ts";
import { wat } from "../packages/otelwasm/src/runtime/testing/wat.ts";

export interface Row {
  readonly name: string;
  /** Of the payload, in bytes. */
  readonly size: number;
  /** Median of the rounds, for one payload. */
  readonly nanoseconds: number;
  /** What `ratio` compares with. */
  readonly reference: string;
  /** Median of the rounds' ratios. */
  readonly ratio: number;
  /** The ratio that is aimed at. */
  readonly goal?: number;
}

const SIZES = [200, 10_240, 1_048_576];
const ROUNDS = 15;
/** Of one measurement in a round, in milliseconds: long enough for several collections of garbage. */
const ROUND_MS = 40;

/** Runs a thing `count` times. */
type Measured = (count: number) => void | Promise<void>;

/** Rounds in which each thing has its turn, so that what disturbs the machine disturbs all of them. */
async function measure(things: Readonly<Record<string, Measured>>): Promise<Record<string, number[]>> {
  const counts: Record<string, number> = {};
  const times: Record<string, number[]> = {};
  for (const [name, thing] of Object.entries(things)) {
    // Compiled before it counts, and then as often as fills the round's time.
    let count = 1;
    for (let elapsed = 0; elapsed < ROUND_MS; count *= 2) elapsed = await time(thing, count);
    counts[name] = count / 2;
    await time(thing, count);
    times[name] = [];
  }
  for (let round = 0; round < ROUNDS; round++)
    for (const [name, thing] of Object.entries(things))
      times[name]!.push(((await time(thing, counts[name]!)) * 1e6) / counts[name]!);
  return times;
}

async function time(thing: Measured, count: number): Promise<number> {
  const start = process.hrtime.bigint();
  const done = thing(count);
  if (done !== undefined) await done;
  return Number(process.hrtime.bigint() - start) / 1e6;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

function row(
  times: Readonly<Record<string, number[]>>,
  name: string,
  reference: string,
  size: number,
  goal?: number,
): Row {
  const ratio = median(times[name]!.map((nanoseconds, round) => nanoseconds / times[reference]![round]!));
  const base = { name, size, nanoseconds: median(times[name]!), reference, ratio };
  return goal === undefined ? base : { ...base, goal };
}

const MEMORY = '(memory (export "memory") 64)';
/** Far enough from where the echo guest's payload is. */
const COPY_TO = 2_097_152;

/** The echo plugin with a function that copies the payload's bytes with `memory.copy`. */
const ECHO_BINARY = echoGuest({
  ...ECHO,
  memory: MEMORY,
  fields: `(func (export "copy") (param $size i32) (param $count i32)
    (loop $again
      (memory.copy (i32.const ${COPY_TO}) (i32.const 1024) (local.get $size))
      (br_if $again (local.tee $count (i32.sub (local.get $count) (i32.const 1))))))`,
});

const PULL_BINARY = wat(`(module
  (import "opentelemetry.io/wasm" "currentLogs" (func $current (param i32 i32) (result i32)))
  (import "opentelemetry.io/wasm" "setResultLogs" (func $set (param i32 i32)))
  ${MEMORY}
  (func (export "processLogs") (result i32) (local $size i32)
    (local.set $size (call $current (i32.const 1024) (i32.const 2000000)))
    (call $set (i32.const 1024) (local.get $size))
    (i32.const 0)))`);

/** The experimental interface's host side, in the shape of `Guest`: the guest asks for the payload instead of being given it. */
class PullGuest {
  #current: Uint8Array = new Uint8Array(0);
  #results: Uint8Array[] | undefined;
  /** Where the result goes instead of into a new buffer. */
  #reused: Uint8Array | undefined;
  #process: FunctionInstance | undefined;

  static async instantiate(runtime: Runtime): Promise<PullGuest> {
    const guest = new PullGuest();
    const module = await runtime.compile(PULL_BINARY);
    const { instance } = await runtime.instantiateWithHost(module, { functions: guest.#hostFunctions() });
    guest.#process = instance.function("processLogs");
    return guest;
  }

  consume(bytes: Uint8Array, reused?: Uint8Array): readonly Uint8Array[] | undefined {
    this.#reused = reused;
    this.#current = bytes;
    this.#results = undefined;
    const status = this.#process!.call() as number;
    if (status !== 0) throw new Error(`status ${status}`);
    return this.#results;
  }

  #hostFunctions(): HostFunction[] {
    return [
      {
        moduleName: "opentelemetry.io/wasm",
        functionName: "currentLogs",
        params: ["i32", "i32"],
        results: ["i32"],
        function: (memory, buffer, limit) => {
          const size = this.#current.length;
          if (size <= (limit as number) >>> 0) memory.write(buffer as number, this.#current);
          return size;
        },
      },
      {
        moduleName: "opentelemetry.io/wasm",
        functionName: "setResultLogs",
        params: ["i32", "i32"],
        results: [],
        function: (memory, pointer, size) => {
          if (this.#reused !== undefined) {
            this.#reused.set(memory.read(pointer as number, size as number));
            return undefined;
          }
          const result = copyBytes(view("setResultLogs", memory, pointer as number, size as number));
          if (this.#results === undefined) this.#results = [result];
          else this.#results.push(result);
          return undefined;
        },
      },
    ];
  }
}

/**
 * The echo plugin driven by the contract's calls alone, its result copied into a buffer that is reused: what crossing costs
 * without the new buffer that every result of a plugin has.
 */
class BareGuest {
  readonly copy: FunctionInstance;
  readonly #alloc: FunctionInstance;
  readonly #consume: FunctionInstance;
  readonly #memory: Memory;
  readonly #result: { buffer: Uint8Array };

  static async instantiate(runtime: Runtime): Promise<BareGuest> {
    const result = { buffer: new Uint8Array(0) };
    const module = await runtime.compile(ECHO_BINARY);
    const functions: HostFunction[] = module.imports.map((item) => ({
      moduleName: item.module,
      functionName: item.name,
      params: ["i32", "i32"],
      results: [],
      function: (memory, pointer, size) => {
        result.buffer.set(memory.read(pointer as number, size as number));
        return undefined;
      },
    }));
    const { instance } = await runtime.instantiateWithHost(module, { functions });
    return new BareGuest(instance, result);
  }

  private constructor(instance: ModuleInstance, result: { buffer: Uint8Array }) {
    this.copy = instance.function("copy")!;
    this.#alloc = instance.function("alloc")!;
    this.#consume = instance.function("consume_logs")!;
    this.#memory = instance.memory!;
    this.#result = result;
  }

  consume(bytes: Uint8Array, result: Uint8Array): number {
    this.#result.buffer = result;
    const pointer = (this.#alloc.call(bytes.length) as number) >>> 0;
    this.#memory.write(pointer, bytes);
    return this.#consume.call(pointer, bytes.length) as number;
  }
}

async function pushGuest(runtime: Runtime): Promise<PluginGuest> {
  const names: GuestFunction[] = ["alloc", "get_supported_telemetry", "start", "shutdown", "consume_logs"];
  return instantiateGuest({
    id: "wasm/echo",
    role: "processor",
    runtime,
    code: { module: await runtime.compile(ECHO_BINARY) },
    exports: new Map(names.map((name) => [name, GUEST_FUNCTIONS[name].names.v1])),
    config: new Uint8Array(0),
    logger: silentLogger,
    maxResultBytes: DEFAULT_LIMITS.maxResultBytes,
    shutdownRequested: () => false,
  });
}

/** @returns rows for each size: the product's path and its parts against `memory.copy`, then push against pull */
export async function run(): Promise<Row[]> {
  const rows: Row[] = [];
  const runtime = await create();
  const options = { id: "wasm/echo", role: "processor", signals: ["logs"], binary: ECHO_BINARY } as const;
  const plugin = await WasmPlugin.load({ ...options, isolation: "inline" });
  await plugin.start();
  const worker = await WasmPlugin.load(options);
  await worker.start();
  const apart = await WasmPlugin.load({ ...options, isolation: "process" });
  await apart.start();
  const guest = await pushGuest(runtime);
  const bare = await BareGuest.instantiate(runtime);
  const pull = await PullGuest.instantiate(runtime);
  let last: readonly Uint8Array[] | undefined;
  for (const size of SIZES) {
    const bytes = Uint8Array.from({ length: size }, (_, index) => (index * 31) & 0xff);
    const batch = { signal: "logs", bytes } as const;
    const reused = new Uint8Array(size);
    for (const results of [await plugin.consume(batch), guest.consume("logs", bytes), pull.consume(bytes)])
      if (Buffer.compare(results![0]!, bytes) !== 0) throw new Error("the echo is not what was pushed");
    bare.consume(bytes, reused);
    if (Buffer.compare(reused, bytes) !== 0) throw new Error("the bare echo is not what was pushed");
    const times = await measure({
      "memory.copy": (count) => {
        bare.copy.call(size, count);
      },
      "host: two copies, reused buffers": (count) => {
        for (let n = 0; n < count; n++) {
          reused.set(bytes);
          bytes.set(reused);
        }
      },
      "host: copy into a new buffer": (count) => {
        for (let n = 0; n < count; n++) last = [ownCopy(bytes)];
      },
      "push, reused buffers": (count) => {
        for (let n = 0; n < count; n++) bare.consume(bytes, reused);
      },
      "pull, reused buffers": (count) => {
        for (let n = 0; n < count; n++) pull.consume(bytes, reused);
      },
      "WasmPlugin.consume": async (count) => {
        for (let n = 0; n < count; n++) last = await plugin.consume(batch);
      },
      // The batch is a new buffer each time, as from a socket: it moves to the worker.
      "worker, one at a time": async (count) => {
        for (let n = 0; n < count; n++) last = await worker.consume({ signal: "logs", bytes: ownCopy(bytes) });
      },
      "worker, pipelined": async (count) => {
        await pipelined(count, async () => {
          last = await worker.consume({ signal: "logs", bytes: ownCopy(bytes) });
        });
      },
      "process, one at a time": async (count) => {
        for (let n = 0; n < count; n++) last = await apart.consume({ signal: "logs", bytes: ownCopy(bytes) });
      },
      "process, pipelined": async (count) => {
        await pipelined(count, async () => {
          last = await apart.consume({ signal: "logs", bytes: ownCopy(bytes) });
        });
      },
      "inline, new buffers": async (count) => {
        for (let n = 0; n < count; n++) last = await plugin.consume({ signal: "logs", bytes: ownCopy(bytes) });
      },
      push: (count) => {
        for (let n = 0; n < count; n++) last = guest.consume("logs", bytes);
      },
      pull: (count) => {
        for (let n = 0; n < count; n++) last = pull.consume(bytes);
      },
    });
    if (last?.[0]?.length !== size) throw new Error("the last result is not whole");
    rows.push(row(times, "memory.copy", "memory.copy", size));
    rows.push(row(times, "host: two copies, reused buffers", "memory.copy", size));
    rows.push(row(times, "host: copy into a new buffer", "memory.copy", size));
    rows.push(row(times, "push, reused buffers", "memory.copy", size, ...(size >= 10_000 ? [2] : [])));
    rows.push(row(times, "push", "memory.copy", size, ...(size >= 10_000 ? [2] : [])));
    rows.push(row(times, "WasmPlugin.consume", "memory.copy", size, ...(size >= 10_000 ? [2] : [])));
    rows.push(row(times, "push", "pull", size));
    rows.push(row(times, "worker, one at a time", "inline, new buffers", size));
    rows.push(row(times, "worker, pipelined", "inline, new buffers", size));
    rows.push(row(times, "process, one at a time", "worker, one at a time", size));
    rows.push(row(times, "process, pipelined", "worker, pipelined", size));
    // The goal stands where only the interfaces differ: both paths make the same new buffer, whose collection is most of the noise.
    rows.push(row(times, "push, reused buffers", "pull, reused buffers", size, 1.05));
  }
  await guest.close();
  await plugin.shutdown();
  await worker.shutdown();
  await apart.shutdown();
  await runtime.close();
  return rows;
}

/** As many at once as a receiver's connections may bring. */
const IN_FLIGHT = 64;

async function pipelined(count: number, call: () => Promise<void>): Promise<void> {
  let left = count;
  const one = async (): Promise<void> => {
    while (left-- > 0) await call();
  };
  await Promise.all(Array.from({ length: Math.min(IN_FLIGHT, count) }, one));
}

function ownCopy(bytes: Uint8Array): Uint8Array {
  const copy = new Uint8Array(Buffer.allocUnsafeSlow(bytes.length).buffer);
  copy.set(bytes);
  return copy;
}

if (import.meta.main) {
  console.log(`node ${process.version}, v8 ${process.versions.v8}, ${process.platform} ${process.arch}`);
  for (const { name, size, nanoseconds, reference, ratio, goal } of await run()) {
    const aim = goal === undefined ? "" : `, goal ${goal}: ${ratio <= goal ? "met" : "missed"}`;
    const rate = (size / nanoseconds).toFixed(2);
    console.log(
      `${String(size).padStart(8)} B  ${name.padEnd(32)} ${nanoseconds.toFixed(0).padStart(7)} ns ${rate.padStart(6)} GB/s  ${ratio.toFixed(3).padStart(7)} x ${reference}${aim}`,
    );
  }
}
