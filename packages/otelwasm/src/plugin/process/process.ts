import type { Logger } from "../../component/logger.ts";
import type { Launcher } from "../../runtime/registry.ts";
import { SIGNALS, type Signal } from "../../telemetry/batch.ts";
import { PluginError } from "../errors.ts";
import type { PluginLimits } from "../options.ts";
import type { Breakage, Call, Place, PlaceOwner } from "../place.ts";
import { decodeError } from "../worker/protocol.ts";
import { Child, type ChildOptions } from "./child.ts";
import { FrameError } from "./frames.ts";
import { readBroken, readCount, readError, readLog, readText } from "./messages.ts";
import { Answer, nextNumber, Order } from "./protocol.ts";
import { Silence } from "./silence.ts";

/** Milliseconds, each far more than it takes: a process that needs longer does not come back. */
const BOOT_MS = 30_000;
/** On top of a limit that the process itself watches. */
const MARGIN_MS = 5_000;
/** Of this, ten seconds may go by until its sockets are closed. */
const CLOSE_MS = 15_000;
/** What is left over in a payload beside results. */
const MIN_PAYLOAD = 2 ** 20;

export interface ProcessOptions {
  readonly id: string;
  /** A `ProcessPlan`, serialized. */
  readonly plan: Uint8Array;
  readonly limits: PluginLimits;
  /** Gets the guest's lines. */
  readonly guestLogger: Logger;
  /** Gets what happens to the process. */
  readonly logger: Logger;
  /** Default: the program that runs this. */
  readonly launcher?: Launcher | undefined;
}

interface Request {
  readonly functionName: string;
  /** Milliseconds that the process may be silent over it; without it, nobody knows. */
  readonly limitMs: number | undefined;
  readonly resolve: (value: string) => void;
  readonly reject: (error: PluginError) => void;
}

/** The child is to go, or is gone. */
interface Ending {
  readonly error: PluginError;
  readonly how: Breakage;
  /** Whether the owner has heard of it, and has its calls back. */
  readonly told: boolean;
}

/**
 * An instance in a process of its own, in which `entry.ts` has it in a thread. Survives the process: `open` starts another one. Batches are written from
 * where they are and stay here, so that of what a process had when it died only one call counts as run: the oldest, which nobody knows more of.
 */
export class ProcessPlace implements Place {
  readonly #options: ProcessOptions;
  readonly #owner: PlaceOwner;
  #child: Child | undefined;
  /** Not answered, the oldest first; the last of them are not written yet. */
  #calls: Call[] = [];
  #unwritten = 0;
  #results: Uint8Array[] = [];
  readonly #requests = new Map<number, Request>();
  #lastRequest = 0;
  #ending: Ending | undefined;
  #exited: Promise<void> = Promise.resolve();
  #phase: "booting" | "compiling" | "compiled" = "booting";
  readonly #silence: Silence;
  #refused = 0;
  #memoryBytes = 0;
  #shutdownRequested = false;
  #closed = false;

  constructor(options: ProcessOptions, owner: PlaceOwner) {
    this.#options = options;
    this.#owner = owner;
    this.#silence = new Silence(
      () => this.#child?.heard ?? 0,
      () => this.#patience(),
      (milliseconds) => this.#child?.kill(`answered nothing for ${milliseconds} ms and was ended`),
    );
  }

  get load(): number {
    return this.#calls.length + this.#requests.size;
  }

  get memoryBytes(): number | undefined {
    return this.#memoryBytes === 0 ? undefined : this.#memoryBytes;
  }

  /** Of the process only what it says. Batches are kept here until they are answered. */
  get footprint(): number {
    return this.#memoryBytes;
  }

  takeRefused(): number {
    const refused = this.#refused;
    this.#refused = 0;
    return refused;
  }

  async open(): Promise<readonly Signal[]> {
    if (this.#child === undefined || this.#ending !== undefined) await this.#exited;
    if (this.#closed) throw this.#error("instantiation", "the plugin was shut down");
    if (this.#child === undefined) this.#spawn();
    const signals = await this.#request(Order.open, "instantiation", this.#options.limits.startTimeoutMs);
    return signals.split(",").filter((name): name is Signal => (SIGNALS as readonly string[]).includes(name));
  }

  async start(): Promise<void> {
    await this.#request(Order.start, "start", this.#options.limits.startTimeoutMs);
  }

  consume(call: Call): void {
    if (this.#child === undefined || this.#ending !== undefined) {
      this.#owner.returned(call);
      return;
    }
    this.#calls.push(call);
    // With everything else that the sockets bring in this turn of the event loop.
    if (this.#unwritten++ === 0) setImmediate(this.#write);
    this.#work();
  }

  async receive(signal: Signal): Promise<string> {
    return this.#request(Order.receive, `start_${signal}_receiver`, undefined, SIGNALS.indexOf(signal));
  }

  requestShutdown(): void {
    this.#shutdownRequested = true;
    this.#child?.add(Order.requestShutdown);
    this.#child?.flush();
  }

  async shutdown(): Promise<void> {
    if (this.#child === undefined || this.#ending !== undefined) return;
    await this.#request(Order.shutdown, "shutdown", this.#options.limits.shutdownTimeoutMs);
  }

  async close(): Promise<void> {
    this.#closed = true;
    const child = this.#child;
    if (child === undefined) return;
    const asked = this.#ending === undefined && this.#phase === "compiled";
    this.#ending ??= { error: this.#error("close", "the plugin was shut down"), how: "lost its process", told: false };
    child.ref();
    // An instance has sockets and files to close; a process without one has nothing.
    if (asked) {
      this.#writeCalls(child);
      child.add(Order.close);
      child.flush();
    } else {
      child.kill();
    }
    const timer = setTimeout(() => {
      this.#options.logger.warn(`the process of the instance has not ended within ${CLOSE_MS / 1000} s; it is killed`);
      child.kill();
    }, CLOSE_MS);
    await this.#exited;
    clearTimeout(timer);
  }

  #spawn(): void {
    const { id, plan, limits, logger, launcher } = this.#options;
    const { promise, resolve } = Promise.withResolvers<void>();
    const child = this.#start({
      id,
      launcher,
      maxPayload: Math.max(limits.maxResultBytes, MIN_PAYLOAD),
      logger,
      answered: (...frame) => this.#hear(...frame),
      drained: this.#write,
      ended: (why) => {
        this.#ended(why);
        resolve();
      },
    });
    this.#child = child;
    this.#exited = promise;
    this.#ending = undefined;
    this.#phase = "booting";
    child.add(Order.plan, 0, 0, plan);
    if (this.#shutdownRequested) child.add(Order.requestShutdown);
  }

  #start(options: ChildOptions): Child {
    try {
      return new Child(options);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw this.#error("instantiation", `the process of the instance cannot be started: ${why}`);
    }
  }

  /** Something is under way, which the process must not end without. */
  #work(): void {
    this.#child?.ref();
    this.#silence.watch();
  }

  /** Idle: nothing that has to be finished keeps the process. A child that is being ended does, until it is gone: somebody waits for that. */
  #rest(): void {
    if (this.load > 0 || this.#ending !== undefined) return;
    this.#child?.unref();
    this.#silence.rest();
  }

  readonly #write = (): void => {
    const child = this.#child;
    // What does not go now stays here, where it can still be given back, and is in nobody's way.
    if (child === undefined || child.congested) return;
    this.#writeCalls(child);
    child.flush();
  };

  #writeCalls(child: Child): void {
    const calls = this.#calls;
    for (let index = calls.length - this.#unwritten; index < calls.length; index++) {
      const { signal, bytes } = calls[index]!;
      child.add(Order.consume, SIGNALS.indexOf(signal), 0, bytes);
    }
    this.#unwritten = 0;
  }

  #request(order: number, functionName: string, limitMs: number | undefined, detail = 0): Promise<string> {
    const child = this.#child;
    if (child === undefined || this.#ending !== undefined)
      return Promise.reject(this.#error(functionName, "there is no working instance"));
    return new Promise((resolve, reject) => {
      this.#lastRequest = nextNumber(this.#lastRequest);
      this.#requests.set(this.#lastRequest, { functionName, limitMs, resolve, reject });
      this.#work();
      // After the calls before it.
      this.#writeCalls(child);
      child.add(order, detail, this.#lastRequest);
      child.flush();
    });
  }

  #hear(answer: number, detail: number, number: number, payload: Uint8Array<ArrayBuffer>): void {
    switch (answer) {
      case Answer.ready:
        this.#phase = "compiling";
        return;
      case Answer.compiled:
        this.#phase = "compiled";
        return;
      case Answer.passed:
        this.#answered(undefined);
        return;
      case Answer.result:
        this.#results.push(payload);
        if (detail === 0) this.#answered(this.#results);
        return;
      case Answer.failed: {
        const error = this.#readError(payload);
        this.#owner.failed(this.#nextCall(), error, detail === 1);
        this.#rest();
        return;
      }
      case Answer.returned:
        this.#owner.returned(this.#nextCall());
        this.#rest();
        return;
      case Answer.broke:
        this.#broke(payload, detail === 1);
        return;
      case Answer.done:
        this.#nextRequest(number).resolve(readText(payload));
        return;
      case Answer.refused: {
        const error = this.#readError(payload);
        this.#nextRequest(number).reject(error);
        return;
      }
      case Answer.log: {
        const { level, message, attributes } = readLog(payload);
        this.#options.guestLogger[level](message, attributes);
        return;
      }
      case Answer.received:
        this.#received(number, payload);
        return;
      case Answer.lost:
        this.#refused += readCount(payload);
        return;
      case Answer.memory:
        this.#memoryBytes = readCount(payload);
        return;
      default:
        throw new FrameError(`an answer of kind ${answer}`);
    }
  }

  #answered(results: readonly Uint8Array[] | undefined): void {
    this.#results = [];
    this.#owner.answered(this.#nextCall(), results);
    this.#rest();
  }

  #received(number: number, bytes: Uint8Array): void {
    const child = this.#child;
    this.#owner.received(bytes, () => {
      // Whatever has taken its place by then does not wait for it.
      if (this.#child !== child) return;
      child?.add(Order.proceed, 0, number);
      child?.flush();
    });
  }

  /** @param ends whether the process goes with the instance */
  #broke(payload: Uint8Array, ends: boolean): void {
    const { error: data, how } = readBroken(payload);
    const error = decodeError(this.#options.id, data);
    if (ends) this.#ending ??= { error, how, told: true };
    this.#owner.broke(error, how);
  }

  /** Before anything is given back that waits for it: what cannot be read is no answer. */
  #readError(payload: Uint8Array): PluginError {
    return decodeError(this.#options.id, readError(payload));
  }

  #nextCall(): Call {
    if (this.#calls.length === this.#unwritten) throw new FrameError("an answer to a call that was not made");
    return this.#calls.shift()!;
  }

  #nextRequest(number: number): Request {
    const request = this.#requests.get(number);
    if (request === undefined) throw new FrameError(`an answer to a request ${number} that was not made`);
    this.#requests.delete(number);
    this.#rest();
    return request;
  }

  /** The process is gone, and with it all that it had. */
  #ended(why: string): void {
    const ending = this.#ending ?? this.#death(why);
    const calls = this.#calls;
    const requests = [...this.#requests.values()];
    const written = calls.length - this.#unwritten;
    this.#child = undefined;
    this.#memoryBytes = 0;
    this.#ending = undefined;
    this.#calls = [];
    this.#unwritten = 0;
    this.#results = [];
    this.#requests.clear();
    this.#silence.rest();
    for (const { reject } of requests) reject(ending.error);
    for (const [index, call] of calls.entries()) {
      if (index === 0 && written > 0 && !ending.told) this.#owner.failed(call, ending.error, true);
      else this.#owner.returned(call);
    }
    if (!ending.told) this.#owner.broke(ending.error, ending.how);
  }

  #death(why: string): Ending {
    const [call] = this.#calls;
    const [request] = this.#requests.values();
    const functionName = call === undefined ? (request?.functionName ?? "process") : `consume_${call.signal}`;
    const error = this.#error(functionName, `the process of the instance ${why}`);
    this.#options.logger.error(`the process of the instance ${why}`, { function: functionName });
    return { error, how: "lost its process", told: false };
  }

  /** How long the process may say nothing, in milliseconds. What takes too long it ends itself: this is for when it cannot. */
  #patience(): number | undefined {
    if (this.#phase === "booting") return BOOT_MS;
    if (this.#phase === "compiling") return undefined;
    const limits = [...this.#requests.values()].flatMap(({ limitMs }) => limitMs ?? []);
    if (this.#calls.length > 0) limits.push(this.#options.limits.callTimeoutMs);
    return limits.length === 0 ? undefined : Math.max(...limits) + MARGIN_MS;
  }

  #error(functionName: string, what: string): PluginError {
    return new PluginError(what, { componentId: this.#options.id, function: functionName, permanent: false });
  }
}
