/**
 * A guest that does what bytes say, and a model of it: what the host must make of any order of host calls, with any arguments, in any phase. The model is
 * written from the ABI's rules, plainly, and knows nothing of the host's code.
 */
import { SIGNALS, type Signal } from "../../telemetry/batch.ts";
import { type GuestParts, guest, imports } from "./guests.ts";

export const PAGE = 65_536;
export const FIRST_PAGES = 2;
export const MAX_PAGES = 4;
export const MAX_RESULT_BYTES = 150_000;

/** A step is three i32: what to do, and with what. The highest bits of `op` are an argument, too: a level, or a byte. */
export const Op = {
  /** Return `a`. */
  end: 0,
  set_result_traces: 1,
  set_result_metrics: 2,
  set_result_logs: 3,
  set_status_reason: 4,
  get_plugin_config: 5,
  log: 6,
  get_shutdown_requested: 7,
  grow: 8,
  trap: 9,
  fill: 10,
} as const;
export const STEP_BYTES = 12;
export type Step = readonly [op: number, a: number, b: number];
export type Script = readonly Step[];

/** Where the guest keeps the script of each phase; that of `consume` is the batch. A receiver waits for its end when its script has ended. */
const SCRIPT_AT = { _initialize: 0x8000, start: 0x8400, alloc: 0x8800, shutdown: 0x8c00, receive: 0x9000 } as const;
export type Phase = keyof typeof SCRIPT_AT;
const PHASES = Object.keys(SCRIPT_AT) as Phase[];

export function bytesOf(script: Script): Uint8Array {
  return new Uint8Array(Int32Array.from(script.flat()).buffer);
}

const INTERPRETER = `
  (func $run (param $at i32) (result i32)
    (local $op i32) (local $more i32) (local $a i32) (local $b i32)
    (loop $next
      (local.set $op (i32.and (i32.load (local.get $at)) (i32.const 0xff)))
      (local.set $more (i32.shr_u (i32.load (local.get $at)) (i32.const 8)))
      (local.set $a (i32.load offset=4 (local.get $at)))
      (local.set $b (i32.load offset=8 (local.get $at)))
      (local.set $at (i32.add (local.get $at) (i32.const 12)))
      (block $fill (block $trap (block $grow (block $asked (block $log (block $config (block $reason (block $logs (block $metrics (block $traces (block $end
        (br_table $end $traces $metrics $logs $reason $config $log $asked $grow $trap $fill $trap (local.get $op)))
      (return (local.get $a)))
      (call $set_result_traces (local.get $a) (local.get $b)) (br $next))
      (call $set_result_metrics (local.get $a) (local.get $b)) (br $next))
      (call $set_result_logs (local.get $a) (local.get $b)) (br $next))
      (call $set_status_reason (local.get $a) (local.get $b)) (br $next))
      (i32.store (i32.const 0) (call $get_plugin_config (local.get $a) (local.get $b))) (br $next))
      (call $log (local.get $more) (local.get $a) (local.get $b)) (br $next))
      (i32.store (i32.const 4) (call $get_shutdown_requested)) (br $next))
      (i32.store (i32.const 8) (memory.grow (local.get $a))) (br $next))
      unreachable)
      (memory.fill (local.get $a) (local.get $more) (local.get $b)) (br $next))
    unreachable)`;

const call = (phase: Phase): string => `(call $run (i32.const ${SCRIPT_AT[phase]}))`;

function dataAt(address: number, bytes: Uint8Array): string {
  return `(data (i32.const ${address}) "${[...bytes].map((byte) => `\\${byte.toString(16).padStart(2, "0")}`).join("")}")`;
}

export function scriptedGuest(scripts: Readonly<Record<Phase, Script>>): Uint8Array {
  const parts: GuestParts = {
    imports: imports(
      ...SIGNALS.map((signal) => `set_result_${signal}`),
      "get_plugin_config",
      "set_status_reason",
      "get_shutdown_requested",
      "log",
    ),
    memory: `(memory (export "memory") ${FIRST_PAGES})`,
    initialize: `(drop ${call("_initialize")})`,
    start: call("start"),
    alloc: call("alloc"),
    shutdown: call("shutdown"),
    consume: "(call $run (local.get $pointer))",
    fields:
      INTERPRETER +
      SIGNALS.map(receiver).join("\n") +
      PHASES.map((phase) => dataAt(SCRIPT_AT[phase], bytesOf(scripts[phase]))).join("\n"),
  };
  return guest(parts);
}

/** An empty result says that the script has ended. */
function receiver(signal: Signal): string {
  return `(func (export "start_${signal}_receiver")
    (drop ${call("receive")})
    (call $set_result_${signal} (i32.const 0) (i32.const 0))
    (loop $more (br_if $more (i32.eqz (call $get_shutdown_requested)))))`;
}

/** How a call must end; all of `error` stands in its message. `broken`: the instance is of no more use. */
export type Outcome =
  | { readonly results: readonly Uint8Array[] | undefined }
  | { readonly error: readonly string[]; readonly permanent: boolean; readonly broken: boolean };

/** A trap; `message` must stand in the error. */
class Trap extends Error {}

const LEVELS = ["trace", "debug", "info", "warn", "error"];

export class Model {
  /** What the guest wrote to the log, in order: `level: text`. Over all instances. */
  readonly lines: string[] = [];
  readonly #scripts: Readonly<Record<Phase, Script>>;
  readonly #config: Uint8Array;
  readonly #takesResults: boolean;
  #memory = new Uint8Array(0);
  #operation = "";
  #accepts: Signal | undefined;
  #results: Uint8Array[] | undefined;
  #resultBytes = 0;
  #reason = "";
  #asked = 0;

  constructor(scripts: Readonly<Record<Phase, Script>>, config: string, role: "processor" | "exporter") {
    this.#scripts = scripts;
    this.#config = new TextEncoder().encode(config);
    this.#takesResults = role === "processor";
  }

  /** A fresh instance, `_initialize` included. @returns the error, if it cannot be made */
  instantiate(): Outcome {
    this.#memory = new Uint8Array(FIRST_PAGES * PAGE);
    for (const phase of PHASES) this.#memory.set(bytesOf(this.#scripts[phase]), SCRIPT_AT[phase]);
    return this.#guarded("_initialize", () => {
      this.#run(SCRIPT_AT._initialize);
      return { results: undefined };
    });
  }

  start(): Outcome {
    return this.#guarded("start", () => this.#status(this.#run(SCRIPT_AT.start)));
  }

  shutdown(): Outcome {
    this.#asked = 1;
    return this.#guarded("shutdown", () => this.#status(this.#run(SCRIPT_AT.shutdown)));
  }

  consume(signal: Signal, batch: Uint8Array): Outcome {
    let pointer = 0;
    if (batch.length > 0) {
      const allocated = this.#guarded("alloc", () => {
        pointer = this.#run(SCRIPT_AT.alloc) >>> 0;
        if (pointer === 0) return failed([`alloc returned 0 for ${batch.length} bytes`], false);
        if (pointer + batch.length > this.#memory.length)
          return failed([`alloc returned the pointer ${pointer} for ${batch.length} bytes, outside`], true);
        return { results: undefined };
      });
      if ("error" in allocated) return allocated;
      this.#memory.set(batch, pointer);
    }
    return this.#guarded(
      `consume_${signal}`,
      () => {
        const ended = this.#status(this.#run(pointer));
        if ("error" in ended) return ended;
        if (this.#resultBytes > MAX_RESULT_BYTES)
          return { ...failed([`its results have ${this.#resultBytes} bytes, more than`], false), permanent: true };
        return { results: this.#results };
      },
      this.#takesResults ? signal : undefined,
    );
  }

  /**
   * A receiver's loop until it waits for its end.
   *
   * @returns what it delivered by then, whatever the outcome, and how many results were too large
   */
  receive(signal: Signal): {
    readonly outcome: Outcome;
    readonly delivered: readonly Uint8Array[];
    readonly refused: number;
  } {
    const operation = `start_${signal}_receiver`;
    let delivered: Uint8Array[] = [];
    const outcome = this.#guarded(
      operation,
      () => {
        try {
          this.#run(SCRIPT_AT.receive);
        } finally {
          delivered = this.#results ?? [];
        }
        return { results: undefined };
      },
      signal,
    );
    const fits = delivered.filter((bytes) => bytes.length <= MAX_RESULT_BYTES);
    return { outcome, delivered: fits, refused: delivered.length - fits.length };
  }

  #guarded(operation: string, work: () => Outcome, accepts?: Signal): Outcome {
    this.#operation = operation;
    this.#accepts = accepts;
    this.#results = undefined;
    this.#resultBytes = 0;
    this.#reason = "";
    try {
      return work();
    } catch (error) {
      if (!(error instanceof Trap)) throw error;
      return failed([`${operation}: trapped: `, error.message], true);
    }
  }

  #status(status: number): Outcome {
    if (status === 0) return { results: undefined };
    const reason = this.#reason === "" ? "no reason given" : this.#reason;
    return { ...failed([`status ${status} `, reason], false), permanent: status === 2 };
  }

  #run(begin: number): number {
    for (let at = begin >>> 0; ; at += STEP_BYTES) {
      if (at + STEP_BYTES > this.#memory.length) throw new Trap();
      const step = new DataView(this.#memory.buffer, at, STEP_BYTES);
      const head = step.getUint32(0, true);
      const [op, more] = [head & 0xff, head >>> 8];
      const [a, b] = [step.getInt32(4, true), step.getInt32(8, true)];
      if (op === Op.end) return a;
      this.#step(op, more, a >>> 0, b >>> 0);
    }
  }

  #step(op: number, more: number, a: number, b: number): void {
    switch (op) {
      case Op.set_result_traces:
      case Op.set_result_metrics:
      case Op.set_result_logs:
        this.#setResult((["traces", "metrics", "logs"] as const)[op - 1]!, a, b);
        return;
      case Op.set_status_reason:
        if (this.#operation === "_initialize") throw new Trap("set_status_reason called during _initialize");
        this.#reason = this.#text("set_status_reason", a, b, 4096);
        return;
      case Op.get_plugin_config:
        if (b >= this.#config.length) this.#inside("get_plugin_config", a, this.#config.length).set(this.#config);
        this.#store(0, this.#config.length);
        return;
      case Op.log:
        this.lines.push(`${LEVELS[more] ?? "error"}: ${this.#text("log", a, b, 65_536)}`);
        return;
      case Op.get_shutdown_requested:
        this.#store(4, this.#asked);
        return;
      case Op.grow:
        this.#grow(a);
        return;
      case Op.fill:
        if (a + b > this.#memory.length) throw new Trap();
        this.#memory.fill(more & 0xff, a, a + b);
        return;
      default:
        throw new Trap();
    }
  }

  #setResult(signal: Signal, pointer: number, size: number): void {
    const name = `set_result_${signal}`;
    if (this.#accepts !== signal) throw new Trap(`${name} called during ${this.#operation}`);
    const bytes = size === 0 ? new Uint8Array(0) : this.#inside(name, pointer, size).slice();
    this.#resultBytes += size;
    this.#results = [...(this.#results ?? []), bytes];
  }

  #text(name: string, pointer: number, size: number, limit: number): string {
    if (size === 0) return "";
    const bytes = this.#inside(name, pointer, size);
    const text = new TextDecoder().decode(bytes.slice(0, limit));
    return size > limit ? `${text}... (cut: ${size} bytes)` : text;
  }

  #inside(name: string, pointer: number, size: number): Uint8Array {
    if (pointer + size > this.#memory.length)
      throw new Trap(
        `${name}: ${size} bytes at pointer ${pointer} are outside the memory of ${this.#memory.length} bytes`,
      );
    return this.#memory.subarray(pointer, pointer + size);
  }

  #store(address: number, value: number): void {
    new DataView(this.#memory.buffer).setInt32(address, value, true);
  }

  #grow(pages: number): void {
    const before = this.#memory.length / PAGE;
    if (before + pages > MAX_PAGES) {
      this.#store(8, -1);
      return;
    }
    const grown = new Uint8Array((before + pages) * PAGE);
    grown.set(this.#memory);
    this.#memory = grown;
    this.#store(8, before);
  }
}

function failed(error: readonly string[], broken: boolean): Outcome & { readonly error: readonly string[] } {
  return { error, permanent: false, broken };
}
