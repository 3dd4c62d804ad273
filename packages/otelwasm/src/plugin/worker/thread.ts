import { Worker } from "node:worker_threads";
import type { LogLevel } from "../../abi/values.ts";
import type { LogAttributes, Logger } from "../../component/logger.ts";
import { libraryEnvironment } from "../../runtime/native/library.ts";
import { SIGNALS, type Signal } from "../../telemetry/batch.ts";
import { openNetwork } from "../../wasi/sockets/network.ts";
import { wakeUp } from "../../wasi/wait.ts";
import { PluginError } from "../errors.ts";
import { ownCopy } from "../guest-memory.ts";
import type { PluginLimits } from "../options.ts";
import type { Breakage, Call, Place, PlaceOwner } from "../place.ts";
import { interruptAtExit, interruptWorker } from "./interrupt.ts";
import {
  Answer,
  Control,
  createControl,
  decodeError,
  KEPT,
  loadHeap,
  loadMemory,
  type PluginErrorData,
  proceed,
  type Request,
  type WorkerPlan,
  wakeCell,
} from "./protocol.ts";
import { CallWatch } from "./watch.ts";

/** Sources run as they stand, the published package has been compiled. */
const ENTRY = new URL(import.meta.url.endsWith(".ts") ? "./entry.ts" : "./entry.js", import.meta.url);

/** An engine that somebody added imports this package by its name: the same files as here. */
const EXEC_ARGV = import.meta.url.endsWith(".ts") ? ["--conditions=otelwasm-source"] : [];

/** A call of the guest that is under way, the oldest first. */
interface CallEntry {
  readonly call: Call;
  /** Counted from 1 for each worker, as the worker counts them. */
  readonly number: number;
}

interface RequestEntry {
  readonly request: Request;
  readonly resolve: (value: string) => void;
  readonly reject: (error: PluginError) => void;
  readonly timer: NodeJS.Timeout | undefined;
}

type Entry = CallEntry | RequestEntry;

export interface ThreadOptions {
  readonly plan: Omit<WorkerPlan, "control" | "network">;
  readonly limits: PluginLimits;
  readonly logger: Logger;
  /** What becomes of a batch's buffer: it moves to the guest's thread (`spare`: and the sender has the bytes elsewhere), or the guest gets a copy. */
  readonly buffers: "move" | "spare" | "copy";
  /** `Runtime.interrupt`, for an engine that has it. */
  readonly interrupt?: ((cells: Int32Array) => void) | undefined;
  /**
   * For an engine whose calls cannot be ended: ends the process, with a call that runs too long, after what is given back in the same turn of the event loop.
   */
  readonly endProcess?: (() => void) | undefined;
}

/** An instance in a worker thread, seen from the thread of the pipelines. Survives the worker: `open` starts another one. */
export class ThreadPlace implements Place {
  readonly #options: ThreadOptions;
  readonly #owner: PlaceOwner;
  #worker: Worker | undefined;
  #control: Int32Array = createControl();
  #entries: Entry[] = [];
  /** Calls for the next message. */
  #outgoing: (number | ArrayBuffer)[] = [];
  #transfer: ArrayBuffer[] = [];
  /** Of workers that are gone, and not taken. */
  #refusedBefore = 0;
  #calls = 0;
  #posted = 0;
  #ending: { readonly error: PluginError; readonly how: Breakage } | undefined;
  #exited: Promise<void> = Promise.resolve();
  readonly #watch: CallWatch;
  /** What `start` may still take of the time to start. */
  #startLeftMs = 0;
  #shutdownRequested = false;
  #closed = false;

  constructor(options: ThreadOptions, owner: PlaceOwner) {
    this.#options = options;
    this.#owner = owner;
    this.#watch = new CallWatch(
      options.limits.callTimeoutMs,
      () => this.#idle(),
      (number) => this.#late(number),
    );
  }

  get load(): number {
    return this.#entries.length;
  }

  get memoryBytes(): number | undefined {
    return this.#worker === undefined ? undefined : loadMemory(this.#control);
  }

  get footprint(): number {
    if (this.#worker === undefined) return 0;
    let moved = 0;
    for (const entry of this.#entries) if ("call" in entry) moved += entry.call.size;
    // What was moved is on that heap, and it says so only now and then.
    return (loadMemory(this.#control) ?? 0) + Math.max(loadHeap(this.#control), moved);
  }

  takeRefused(): number {
    const refused = this.#refusedBefore + Atomics.exchange(this.#control, Control.refused, 0);
    this.#refusedBefore = 0;
    return refused;
  }

  async open(): Promise<readonly Signal[]> {
    // One that is being ended takes nothing more; one that trapped serves the next instance. The ports of one that ended must be free again.
    if (this.#worker === undefined || this.#ending !== undefined) await this.#exited;
    if (this.#closed) throw this.#error("instantiation", "the plugin was shut down");
    const { startTimeoutMs } = this.#options.limits;
    const began = performance.now();
    this.#startLeftMs = startTimeoutMs;
    if (this.#worker === undefined) this.#spawn();
    const signals = await this.#request({ op: "instantiate" }, "instantiation", startTimeoutMs);
    this.#startLeftMs = Math.max(1, startTimeoutMs - (performance.now() - began));
    return signals.split(",").filter((name): name is Signal => (SIGNALS as readonly string[]).includes(name));
  }

  async start(): Promise<void> {
    await this.#request({ op: "start" }, "start", this.#startLeftMs, this.#options.limits.startTimeoutMs);
  }

  consume(call: Call): void {
    const { bytes } = call;
    const { buffer } = bytes;
    if (this.#worker === undefined) {
      this.#owner.returned(call);
      return;
    }
    let head = SIGNALS.indexOf(call.signal);
    let payload: ArrayBuffer;
    const { buffers } = this.#options;
    if (buffers !== "copy" && bytes.length > 0 && bytes.length === buffer.byteLength && buffer instanceof ArrayBuffer) {
      call.kept = buffers === "spare";
      payload = buffer;
    } else {
      payload = ownCopy(bytes).buffer;
    }
    if (call.kept || this.#options.plan.role === "exporter") head |= KEPT;
    this.#entries.push({ call, number: ++this.#calls });
    // With everything else that the sockets bring in this turn of the event loop.
    if (this.#outgoing.length === 0) setImmediate(this.#post);
    this.#outgoing.push(head, payload);
    this.#transfer.push(payload);
    // A watch that goes on from the calls before it, with an answered request in between, has let go of the process.
    if (this.#entries.length === 1 || !this.#watch.running) this.#worker.ref();
    if (!this.#watch.running) this.#watch.start(this.#control);
  }

  async receive(signal: Signal): Promise<string> {
    return this.#request({ op: "receive", signal }, `start_${signal}_receiver`);
  }

  requestShutdown(): void {
    this.#shutdownRequested = true;
    Atomics.store(this.#control, Control.shutdown, 1);
    wakeUp(wakeCell(this.#control));
    proceed(this.#control);
  }

  async shutdown(): Promise<void> {
    if (this.#worker === undefined) return;
    await this.#request({ op: "shutdown" }, "shutdown", this.#options.limits.shutdownTimeoutMs);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#end(this.#error("close", "the plugin was shut down"), "lost its worker");
    await this.#exited;
  }

  #spawn(): void {
    const { plan, limits } = this.#options;
    this.#refusedBefore = this.takeRefused();
    this.#control = createControl();
    if (this.#shutdownRequested) this.requestShutdown();
    this.#calls = 0;
    this.#posted = 0;
    this.#ending = undefined;
    const network = openNetwork(plan.grants.network, wakeCell(this.#control));
    const workerData: WorkerPlan = { ...plan, control: this.#control, network: network?.link };
    const worker = new Worker(ENTRY, {
      workerData,
      transferList: network === undefined ? [] : [network.link.port],
      name: `otelwasm ${plan.id}`,
      // The guest's thread gets nothing of this process, no environment, no options of the command line, but for where an engine's library is: with another copy of it, it could not share.
      env: libraryEnvironment(),
      execArgv: EXEC_ARGV,
      resourceLimits: {
        // What a guest keeps outside of its linear memory (tables, garbage-collected objects) is on this heap.
        maxOldGenerationSizeMb: Math.max(64, Math.ceil(limits.memoryBytes / 2 ** 20)),
        stackSizeMb: 4,
      },
    });
    this.#worker = worker;
    const { interrupt } = this.#options;
    if (interrupt !== undefined) interruptAtExit(worker, this.#control, interrupt);
    worker.on("message", (answers: unknown[]) => this.#receive(answers));
    worker.on("error", (error: Error) => {
      this.#ending ??= {
        error: this.#error("worker", `the worker died: ${error.message}`, error),
        how: "lost its worker",
      };
    });
    this.#exited = new Promise((resolve) => {
      worker.once("exit", (code) => {
        this.#worker = undefined;
        this.#lost(
          this.#ending ?? {
            error: this.#error("worker", `the worker exited with code ${code}`),
            how: "lost its worker",
          },
        );
        resolve(network?.release(this.#options.logger));
      });
    });
  }

  /** Ends the worker, whatever it does now. */
  #end(error: PluginError, how: Breakage): void {
    if (this.#worker === undefined || this.#ending !== undefined) return;
    this.#ending = { error, how };
    const { interrupt, endProcess } = this.#options;
    if (interrupt !== undefined) {
      interruptWorker(this.#worker, this.#control, interrupt);
    } else if (endProcess === undefined || this.#entries.length === 0) {
      void this.#worker.terminate();
    } else {
      endProcess();
      this.#worker.removeAllListeners();
      this.#worker = undefined;
      this.#lost(this.#ending);
    }
  }

  readonly #post = (): void => {
    if (this.#outgoing.length === 0 || this.#worker === undefined) return;
    const [calls, transfer] = [this.#outgoing, this.#transfer];
    this.#outgoing = [];
    this.#transfer = [];
    this.#posted = this.#calls;
    this.#worker.postMessage(calls, transfer);
  };

  #request(request: Request, functionName: string, timeoutMs?: number, limitMs = timeoutMs): Promise<string> {
    const worker = this.#worker;
    if (worker === undefined) return Promise.reject(this.#error(functionName, "there is no working instance"));
    return new Promise((resolve, reject) => {
      const timer =
        timeoutMs === undefined
          ? undefined
          : setTimeout(() => {
              const error = PluginError.fromDeadline(
                this.#options.plan.id,
                this.#now() ?? functionName,
                limitMs ?? timeoutMs,
              );
              this.#end(error, "ran past its deadline");
            }, timeoutMs);
      this.#post();
      this.#entries.push({ request, resolve, reject, timer });
      worker.ref();
      worker.postMessage(request);
    });
  }

  #receive(answers: unknown[]): void {
    for (let index = 0; index < answers.length; ) {
      switch (answers[index++]) {
        case Answer.passed: {
          const call = this.#nextCall();
          const payload = answers[index++] as ArrayBuffer | null;
          this.#owner.answered(call, payload === null ? undefined : [new Uint8Array(payload)]);
          break;
        }
        case Answer.results: {
          const call = this.#nextCall();
          const end = index + 1 + (answers[index] as number);
          const results: Uint8Array[] = [];
          while (++index < end) results.push(new Uint8Array(answers[index] as ArrayBuffer));
          this.#owner.answered(call, results);
          break;
        }
        case Answer.returned:
          this.#giveBack(this.#nextCall(), answers[index++] as ArrayBuffer);
          break;
        case Answer.failed:
          this.#failed(answers[index] as PluginErrorData, answers[index + 1] as boolean);
          index += 2;
          break;
        case Answer.done: {
          const { resolve, timer } = this.#entries.shift() as RequestEntry;
          clearTimeout(timer);
          this.#rest();
          resolve(answers[index++] as string);
          break;
        }
        case Answer.log: {
          const attributes = answers[index + 2] as LogAttributes | undefined;
          this.#options.logger[answers[index] as LogLevel](answers[index + 1] as string, attributes);
          index += 3;
          break;
        }
        case Answer.received:
          this.#received(answers[index++] as ArrayBuffer);
          break;
      }
    }
  }

  #received(payload: ArrayBuffer): void {
    // Of this worker, whatever has taken its place by then.
    const control = this.#control;
    this.#owner.received(new Uint8Array(payload), () => proceed(control));
  }

  #nextCall(): Call {
    return (this.#entries.shift() as CallEntry).call;
  }

  #giveBack(call: Call, payload: ArrayBuffer): void {
    if (!call.kept) call.bytes = new Uint8Array(payload);
    this.#owner.returned(call);
  }

  #failed(data: PluginErrorData, broken: boolean): void {
    const error = decodeError(this.#options.plan.id, data);
    const entry = this.#entries.shift()!;
    if ("call" in entry) {
      this.#owner.failed(entry.call, error, broken);
    } else {
      clearTimeout(entry.timer);
      this.#rest();
      entry.reject(error);
    }
    if (broken) this.#owner.broke(error, "trapped");
  }

  /** A receiver's loop, if that is what keeps the guest from whatever else it was asked. */
  #now(): string | undefined {
    const entry = this.#entries[0];
    if (entry === undefined || "call" in entry || entry.request.op !== "receive") return undefined;
    return `start_${entry.request.signal}_receiver`;
  }

  /** The worker is gone. Of what it had: one call ran, the ones before it were not answered, and those after it are lost with it unless the sender's bytes are here. */
  #lost({ error, how }: { readonly error: PluginError; readonly how: Breakage }): void {
    const entries = this.#entries;
    const running = Atomics.load(this.#control, Control.running);
    this.#entries = [];
    this.#outgoing = [];
    this.#transfer = [];
    this.#watch.stop();
    for (const entry of entries) {
      if (!("call" in entry)) {
        clearTimeout(entry.timer);
        entry.reject(error);
        continue;
      }
      const { call, number } = entry;
      const ran = number <= running;
      if (number > this.#posted || (!ran && call.kept)) this.#owner.returned(call);
      else if (number === running) this.#owner.failed(call, error, true);
      else this.#owner.failed(call, this.#lostWith(call, how), true);
    }
    this.#owner.broke(error, how);
  }

  #lostWith(call: Call, how: Breakage): PluginError {
    return this.#error(
      `consume_${call.signal}`,
      `the instance ${how} with this batch in its hands; it is not at fault`,
    );
  }

  #error(functionName: string, what: string, cause?: unknown): PluginError {
    return new PluginError(what, {
      componentId: this.#options.plan.id,
      function: functionName,
      permanent: false,
      ...(cause === undefined ? {} : { cause }),
    });
  }

  /** Idle: nothing that has to be finished keeps the process. A worker that is being ended does, until it is gone: somebody waits for that. */
  #rest(): void {
    if (this.#entries.length === 0 && this.#ending === undefined) this.#worker?.unref();
  }

  #idle(): boolean {
    this.#rest();
    return this.#entries.length === 0;
  }

  #late(number: number): void {
    const { plan, limits } = this.#options;
    const entry = this.#entries.find((item) => "call" in item && item.number === number);
    const name = entry !== undefined && "call" in entry ? `consume_${entry.call.signal}` : "consume";
    this.#end(PluginError.fromDeadline(plan.id, name, limits.callTimeoutMs), "ran past its deadline");
  }
}
