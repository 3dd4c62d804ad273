/** The process of one instance: its guest runs in a worker thread of it, and this thread has the pipe. What it is told stands in `protocol.ts`. */
import { type OnReadOpts, Socket } from "node:net";
import { deserialize, setFlagsFromString } from "node:v8";
import type { LogLevel } from "../../abi/values.ts";
import { LineWriter, type LogAttributes } from "../../component/logger.ts";
import { registerEngineOf } from "../../runtime/builtin.ts";
import type { CompileOptions } from "../../runtime/contract.ts";
import { importEngineModules } from "../../runtime/engine-modules.ts";
import { SIGNALS } from "../../telemetry/batch.ts";
import { PluginError } from "../errors.ts";
import { acquireModule, CompileFailure, interruptOf, type SharedModule } from "../modules.ts";
import type { Breakage, Call, PlaceOwner } from "../place.ts";
import { encodeError } from "../worker/protocol.ts";
import { ThreadPlace } from "../worker/thread.ts";
import { FrameReader, FrameWriter } from "./frames.ts";
import { Answer, type BrokenData, type LogData, nextNumber, Order, PIPE, type ProcessPlan } from "./protocol.ts";

const utf8 = new TextEncoder();

class InstanceServer implements PlaceOwner {
  readonly #pipe: Socket;
  readonly #writer: FrameWriter;
  #plan: ProcessPlan | undefined;
  #module: SharedModule | undefined;
  #place: ThreadPlace | undefined;
  #flushing = false;
  #shutdownRequested = false;
  /** Whether the process ends as soon as what there is to say is said. */
  #ending = false;
  #received = 0;
  /** As it was said last. */
  #memory = 0;
  #proceed: (() => void) | undefined;

  constructor() {
    const reader = new FrameReader(Number.POSITIVE_INFINITY, (...frame) => this.#obey(...frame));
    const pipe = new Socket({ fd: PIPE, readable: true, writable: true, onread: readInto(reader) });
    this.#pipe = pipe;
    this.#writer = new FrameWriter(pipe);
    // Whoever it worked for is gone, however that came.
    pipe.on("error", die);
    pipe.on("close", die);
    this.#say(Answer.ready);
  }

  #obey(order: number, detail: number, number: number, payload: Uint8Array<ArrayBuffer>): void {
    switch (order) {
      case Order.plan:
        this.#plan = deserialize(payload) as ProcessPlan;
        return;
      case Order.open:
        this.#answer(number, this.#open());
        return;
      case Order.start:
        this.#answer(number, this.#place!.start());
        return;
      case Order.consume:
        this.#consume(detail, payload);
        return;
      case Order.receive:
        this.#answer(number, this.#place!.receive(SIGNALS[detail]!));
        return;
      case Order.proceed:
        // An answer to what an instance before this one gave says nothing to this one.
        if (number === this.#received) this.#proceed?.();
        return;
      case Order.requestShutdown:
        this.#shutdownRequested = true;
        this.#place?.requestShutdown();
        return;
      case Order.shutdown:
        this.#answer(number, this.#place!.shutdown());
        return;
      case Order.close:
        void this.#close();
    }
  }

  async #open(): Promise<string> {
    this.#place ??= await this.#prepare();
    return (await this.#place.open()).join();
  }

  async #prepare(): Promise<ThreadPlace> {
    const { binary, memoryLimit, limits, path, endsProcess, ...plan } = this.#plan!;
    const options: CompileOptions = memoryLimit === undefined ? {} : { memoryLimit };
    await importEngineModules(plan.engineModules);
    await registerEngineOf(plan.runtimeConfig);
    this.#module = await acquireModule(plan.runtimeConfig, binary, options).catch((error: unknown) => {
      if (!(error instanceof CompileFailure)) throw error;
      throw PluginError.fromLoad(plan.id, path, [error.message], error.cause);
    });
    const place = new ThreadPlace(
      {
        plan: { ...plan, maxResultBytes: limits.maxResultBytes, code: this.#module.portable },
        limits,
        logger: new FrameLogger((line) => {
          this.#sayLost();
          this.#sayText(Answer.log, line);
        }),
        buffers: "spare",
        interrupt: interruptOf(this.#module.runtime),
        endProcess: endsProcess ? () => this.#end() : undefined,
      },
      this,
    );
    if (this.#shutdownRequested) place.requestShutdown();
    this.#plan = undefined;
    this.#say(Answer.compiled);
    return place;
  }

  #consume(detail: number, bytes: Uint8Array<ArrayBuffer>): void {
    const call: Call = {
      signal: SIGNALS[detail]!,
      bytes,
      size: bytes.length,
      began: 0,
      kept: true,
      resolve: () => {},
      reject: () => {},
    };
    this.#place!.consume(call);
  }

  async #close(): Promise<void> {
    await this.#place?.close();
    this.#end();
  }

  /** After what is said in this turn. */
  #end(): void {
    this.#ending = true;
    this.#flushSoon();
  }

  answered(_call: Call, results: readonly Uint8Array[] | undefined): void {
    if (results === undefined) this.#say(Answer.passed);
    else
      for (const [index, result] of results.entries())
        this.#say(Answer.result, index + 1 < results.length ? 1 : 0, 0, result);
  }

  failed(_call: Call, error: PluginError, broken: boolean): void {
    this.#sayText(Answer.failed, encodeError(error), broken ? 1 : 0);
  }

  returned(): void {
    this.#say(Answer.returned);
  }

  broke(error: PluginError, how: Breakage): void {
    const data: BrokenData = { error: encodeError(error), how };
    this.#sayText(Answer.broke, data, this.#ending ? 1 : 0);
  }

  received(bytes: Uint8Array, proceed: () => void): void {
    this.#sayLost();
    this.#received = nextNumber(this.#received);
    this.#proceed = proceed;
    this.#say(Answer.received, 0, this.#received, bytes);
  }

  #answer(number: number, work: Promise<unknown>): void {
    work.then(
      (value) => {
        this.#sayLost();
        this.#say(Answer.done, 0, number, utf8.encode(typeof value === "string" ? value : ""));
      },
      (error: unknown) => {
        this.#sayLost();
        this.#sayText(Answer.refused, encodeError(error), 0, number);
      },
    );
  }

  /** Each has its line in the log: with that, or whatever comes sooner. */
  #sayLost(): void {
    const lost = this.#place?.takeRefused() ?? 0;
    if (lost > 0) this.#say(Answer.lost, 0, 0, utf8.encode(String(lost)));
  }

  #sayText(answer: number, data: BrokenData | LogData | ReturnType<typeof encodeError>, detail = 0, number = 0): void {
    this.#say(answer, detail, number, utf8.encode(JSON.stringify(data)));
  }

  /** Written together with everything else that this turn of the event loop brings. */
  #say(answer: number, detail = 0, number = 0, payload?: Uint8Array): void {
    this.#writer.add(answer, detail, number, payload);
    this.#flushSoon();
  }

  #flushSoon(): void {
    if (this.#flushing) return;
    this.#flushing = true;
    setImmediate(() => this.#flush());
  }

  #flush(): void {
    this.#flushing = false;
    const pipe = this.#pipe;
    const memory = this.#place?.memoryBytes ?? 0;
    if (memory !== this.#memory) this.#writer.add(Answer.memory, 0, 0, utf8.encode(String(memory)));
    this.#memory = memory;
    this.#writer.flush();
    if (this.#ending) {
      pipe.end(die);
    } else if (pipe.writableNeedDrain && !pipe.isPaused()) {
      // Who does not take answers gets no more to answer.
      pipe.pause();
      pipe.once("drain", () => pipe.resume());
    }
  }
}

/** Bytes that are read at once; a payload of which more is to come is read to its place. */
const READ_BYTES = 262_144;

/** Always to the same memory, or to where it stays: a new piece for each read would be garbage at once. */
function readInto(reader: FrameReader): OnReadOpts {
  const chunk = Buffer.allocUnsafeSlow(READ_BYTES);
  let target: Uint8Array = chunk;
  return {
    buffer: () => {
      target = reader.room(READ_BYTES) ?? chunk;
      return target;
    },
    callback: (bytes) => {
      if (target === chunk) reader.feed(chunk.subarray(0, bytes));
      else reader.filled(bytes);
      return true;
    },
  };
}

/** Guest lines, on their way to the process that has the logger. */
class FrameLogger extends LineWriter {
  readonly #send: (line: LogData) => void;

  constructor(send: (line: LogData) => void) {
    super();
    this.#send = send;
  }

  override write(level: LogLevel, message: string, attributes: LogAttributes | undefined): void {
    this.#send({ level, message, attributes });
  }
}

/** Whatever its threads do now: nothing that could be asked to end may keep this process. */
function die(): void {
  process.kill(process.pid, "SIGKILL");
}

// Batches are not on V8's heap. So they count with it, and do not make for a collection of garbage every few dozen megabytes.
setFlagsFromString("--external-memory-accounted-in-global-limit");
// A terminal and a supervisor tell all processes; this one ends when it is told by the one that it works for, or loses it.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => {});
new InstanceServer();
