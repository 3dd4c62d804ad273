/** The thread of one instance: the only place where its guest runs. What it is told stands in `protocol.ts`. */
import { getHeapStatistics } from "node:v8";
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import type { LogLevel } from "../../abi/values.ts";
import { LineWriter, type LogAttributes } from "../../component/logger.ts";
import { registerEngineOf } from "../../runtime/builtin.ts";
import type { Runtime } from "../../runtime/contract.ts";
import { importEngineModules } from "../../runtime/engine-modules.ts";
import { create } from "../../runtime/registry.ts";
import type { ResultSink } from "../call.ts";
import { openCode, type PluginCode } from "../code.ts";
import { PluginError } from "../errors.ts";
import { instantiateGuest, type PluginGuest } from "../instantiate.ts";
import { LimitedLogger } from "../log-limit.ts";
import {
  Answer,
  type AnswerItem,
  Control,
  encodeError,
  interruptCells,
  KEPT,
  type Request,
  signalOf,
  storeHeap,
  storeMemory,
  type WorkerPlan,
  wakeCell,
} from "./protocol.ts";

/** Answers wait for more of them no longer than this, in milliseconds: a guest that takes longer is not slowed by a message of its own. */
const MAX_HELD_MS = 0.1;
/** How often, in milliseconds, the heap is looked at, while there is something to do. */
const HEAP_MS = 100;
/** Items of an answer message; more are sent as several. */
const MAX_HELD = 256;

class GuestThread {
  readonly #plan: WorkerPlan;
  readonly #port: MessagePort;
  readonly #control: Int32Array;
  readonly #logger: LimitedLogger;
  #engine: { readonly runtime: Runtime; readonly code: PluginCode } | undefined;
  #guest: PluginGuest | undefined;
  #calls = 0;
  #answers: AnswerItem[] = [];
  #transfer: ArrayBuffer[] = [];
  #heldSince = 0;
  /** When the heap was last looked at. */
  #measured = Number.NEGATIVE_INFINITY;

  constructor(plan: WorkerPlan, port: MessagePort) {
    this.#plan = plan;
    this.#port = port;
    this.#control = plan.control;
    this.#logger = new LimitedLogger(new PortLogger((...line) => this.#log(...line)));
    port.on("message", (message: Request | (number | ArrayBuffer)[]) => this.#receive(message));
  }

  /** Handles everything that has come, and answers once for all that was quick. */
  #receive(first: Request | (number | ArrayBuffer)[]): void {
    this.#heldSince = performance.now();
    for (let message: typeof first | undefined = first; message !== undefined; ) {
      if (Array.isArray(message)) this.#consumeAll(message);
      else this.#request(message);
      const next = receiveMessageOnPort(this.#port) as { readonly message: typeof first } | undefined;
      message = next?.message;
      if (this.#interrupted) break;
    }
    this.#flush();
    if (this.#interrupted) void this.#quit();
  }

  #consumeAll(calls: (number | ArrayBuffer)[]): void {
    for (let index = 0; index < calls.length && !this.#interrupted; index += 2) {
      this.#consume(calls[index] as number, calls[index + 1] as ArrayBuffer);
      if (this.#answers.length >= MAX_HELD || performance.now() - this.#heldSince > MAX_HELD_MS) this.#flush();
    }
  }

  #consume(head: number, payload: ArrayBuffer): void {
    const call = ++this.#calls;
    const guest = this.#guest;
    if (guest === undefined || guest.failed) {
      this.#answers.push(Answer.returned, payload);
      this.#transfer.push(payload);
      return;
    }
    Atomics.store(this.#control, Control.running, call);
    try {
      const results = guest.consume(signalOf(head), new Uint8Array(payload));
      // It may have been about to return.
      if (this.#interrupted) return;
      if (results !== undefined) this.#answerResults(results);
      else if ((head & KEPT) !== 0) this.#answers.push(Answer.passed, null);
      else {
        this.#answers.push(Answer.passed, payload);
        this.#transfer.push(payload);
      }
    } catch (error) {
      // What it says then is the owner's to say, who knows the call by its number.
      if (this.#interrupted) return;
      this.#answers.push(Answer.failed, encodeError(error), guest.failed);
    }
    Atomics.store(this.#control, Control.running, 0);
  }

  /** Whether the worker is to end, and what it did last with it. */
  get #interrupted(): boolean {
    return Atomics.load(this.#control, Control.interrupt) !== 0;
  }

  async #quit(): Promise<void> {
    await this.#guest?.close();
    await this.#engine?.runtime.close();
    Atomics.store(this.#control, Control.released, 1);
    Atomics.notify(this.#control, Control.released);
    process.exit();
  }

  #answerResults(results: readonly Uint8Array[]): void {
    this.#answers.push(Answer.results, results.length);
    for (const { buffer } of results) {
      this.#answers.push(buffer as ArrayBuffer);
      this.#transfer.push(buffer as ArrayBuffer);
    }
  }

  #request(request: Request): void {
    switch (request.op) {
      case "instantiate":
        this.#instantiate().then(
          (signals) => this.#answer(Answer.done, signals),
          (error: unknown) => {
            if (this.#interrupted) void this.#quit();
            else this.#answer(Answer.failed, encodeError(error), true);
          },
        );
        return;
      case "start":
        this.#run(() => this.#working().start());
        return;
      case "receive":
        this.#run(() => this.#working().receive(request.signal, this.#sink()));
        return;
      case "shutdown":
        this.#run(() => this.#working().shutdown());
        return;
      case "quit":
        Atomics.store(this.#control, Control.interrupt, 1);
    }
  }

  #run(work: () => unknown): void {
    try {
      const value = work();
      this.#logger.flush();
      if (this.#interrupted) return;
      this.#answer(Answer.done, typeof value === "string" ? value : "");
    } catch (error) {
      if (!this.#interrupted) this.#answer(Answer.failed, encodeError(error), this.#guest?.failed ?? true);
    }
  }

  async #instantiate(): Promise<string> {
    await this.#guest?.close();
    this.#guest = undefined;
    const { id, role, exports, config, maxResultBytes, grants, network } = this.#plan;
    this.#engine ??= await this.#startEngine();
    const guest = await instantiateGuest({
      id,
      role,
      exports,
      config,
      maxResultBytes,
      grants,
      ...this.#engine,
      logger: this.#logger,
      shutdownRequested: () => Atomics.load(this.#control, Control.shutdown) !== 0,
      wake: wakeCell(this.#control),
      ...(this.#engine.runtime.capabilities.interrupt ? { interrupt: interruptCells(this.#control) } : {}),
      network,
    });
    this.#guest = guest;
    return guest.supportedSignals.join();
  }

  async #startEngine(): Promise<{ runtime: Runtime; code: PluginCode }> {
    const { runtimeConfig, engineModules, code } = this.#plan;
    await importEngineModules(engineModules);
    await registerEngineOf(runtimeConfig);
    const runtime = await create(runtimeConfig);
    return { runtime, code: await openCode(runtime, code) };
  }

  #working(): PluginGuest {
    const guest = this.#guest;
    if (guest !== undefined && !guest.failed) return guest;
    throw new PluginError("there is no working instance", {
      componentId: this.#plan.id,
      function: "worker",
      permanent: false,
    });
  }

  /** What a receiver's guest sets is sent at once, and the guest waits here until it was dealt with, or until the plugin is to stop. */
  #sink(): ResultSink {
    const control = this.#control;
    const stopping = (): boolean => Atomics.load(control, Control.shutdown) !== 0;
    const refuse = (why: string): void => {
      Atomics.add(control, Control.refused, 1);
      this.#logger.warn(`A result of the plugin is refused: ${why}`);
    };
    return {
      take: (bytes) => {
        if (stopping()) return refuse(`${bytes.length} bytes came after the plugin was asked to stop`);
        const before = Atomics.load(control, Control.answered);
        const payload = bytes.buffer as ArrayBuffer;
        this.#transfer.push(payload);
        this.#answer(Answer.received, payload);
        // Stopping changes the cell, too: it cannot be missed between the question and the wait.
        while (Atomics.load(control, Control.answered) === before && !stopping())
          Atomics.wait(control, Control.answered, before);
      },
      refuse: (size) => refuse(`it has ${size} bytes, more than max_result_bytes (${this.#plan.maxResultBytes})`),
    };
  }

  #log(level: LogLevel, message: string, attributes: LogAttributes | undefined): void {
    // At once: the guest may be about to hang, and its last words matter most.
    this.#answer(Answer.log, level, message, attributes);
  }

  #answer(...items: AnswerItem[]): void {
    this.#answers.push(...items);
    this.#flush();
  }

  #flush(): void {
    this.#heldSince = performance.now();
    if (this.#answers.length === 0) return;
    storeMemory(this.#control, this.#guest?.memoryBytes);
    if (this.#heldSince - this.#measured > HEAP_MS) {
      this.#measured = this.#heldSince;
      const { used_heap_size, external_memory } = getHeapStatistics();
      storeHeap(this.#control, used_heap_size + external_memory);
    }
    const [answers, transfer] = [this.#answers, this.#transfer];
    this.#answers = [];
    this.#transfer = [];
    this.#port.postMessage(answers, transfer);
  }
}

/** Lines go to the thread that has the logger. */
class PortLogger extends LineWriter {
  readonly #send: (level: LogLevel, message: string, attributes: LogAttributes | undefined) => void;

  constructor(send: (level: LogLevel, message: string, attributes: LogAttributes | undefined) => void) {
    super();
    this.#send = send;
  }

  override write(level: LogLevel, message: string, attributes: LogAttributes | undefined): void {
    this.#send(level, message, attributes);
  }
}

if (parentPort === null) throw new Error("entry.ts is the main module of a worker thread");
new GuestThread(workerData as WorkerPlan, parentPort);
