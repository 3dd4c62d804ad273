import { type ChildProcess, spawn } from "node:child_process";
import { Socket } from "node:net";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import type { Logger } from "../../component/logger.ts";
import type { Launcher } from "../../runtime/registry.ts";
import { LimitedLogger } from "../log-limit.ts";
import { type FrameHandler, FrameReader, FrameWriter } from "./frames.ts";
import { PIPE } from "./protocol.ts";

/** Sources run as they stand, the published package has been compiled. */
const ENTRY = new URL(import.meta.url.endsWith(".ts") ? "./entry.ts" : "./entry.js", import.meta.url);

/** An engine that somebody added imports this package by its name: the same files as here. */
const NODE_OPTIONS = ENTRY.href.endsWith(".ts") ? ["--conditions=otelwasm-source"] : [];

/** The program that runs this. */
const THIS_PROGRAM: Launcher = { file: process.execPath, args: [], env: {} };

export interface ChildOptions {
  /** Stands among the arguments of the process, for who looks at them. */
  readonly id: string;
  readonly launcher?: Launcher | undefined;
  /** Of an answer, in bytes. */
  readonly maxPayload: number;
  /** Gets what the process writes to its standard output and error, which a guest does not. */
  readonly logger: Logger;
  readonly answered: FrameHandler;
  /** Told when what was written has gone after all. */
  readonly drained: () => void;
  /** Told once, when the process is gone and everything that it said was read. */
  readonly ended: (why: string) => void;
}

/** A line of its output that has no end is cut. */
const MAX_LINE = 8192;
/** What stands in the error of a process that died. */
const LAST_LINES = 3;
/** Of the report that Node.js writes when it gives up: nobody reads it in an error. */
const STACK_FRAME = /^\s*\d+: 0x|^-+ .*(stack trace|backtrace) -+$/i;

/** A child process that serves frames over a pipe of its own. */
export class Child {
  /** Counts what came. */
  heard = 0;
  readonly #options: ChildOptions;
  readonly #process: ChildProcess;
  readonly #pipe: Socket | undefined;
  readonly #writer: FrameWriter | undefined;
  readonly #lastLines: string[] = [];
  /** Why it was ended from here. */
  #reason: string | undefined;

  /** @throws Error if the system cannot be asked for it */
  constructor(options: ChildOptions) {
    this.#options = options;
    const { file, args, env } = options.launcher ?? THIS_PROGRAM;
    this.#process = spawn(file, [...args, ...NODE_OPTIONS, fileURLToPath(ENTRY), options.id], {
      env: { ...env },
      stdio: ["ignore", "pipe", "pipe", "pipe"],
      // Ctrl-C is for this process, which ends the others when they are done.
      detached: true,
      windowsHide: true,
    });
    const { promise: ended, resolve } = Promise.withResolvers<string>();
    void ended.then(options.ended);
    this.#process.on("error", (error) => {
      this.kill(`cannot be started: ${error.message}`);
      // What was never there is not always said to be closed.
      if (this.#process.pid === undefined) resolve(this.#reason ?? error.message);
    });
    this.#process.on("exit", () => this.#killGroup());
    this.#process.on("close", (code, signal) => resolve(this.#reason ?? this.#describe(code, signal)));
    this.#readOutput();
    // Without any, if the system has no more of something that a process needs.
    const pipe: unknown = this.#process.stdio?.[PIPE];
    if (!(pipe instanceof Socket)) return;
    this.#pipe = pipe;
    this.#writer = new FrameWriter(pipe);
    const reader = new FrameReader(options.maxPayload, options.answered);
    pipe.on("data", (chunk: Uint8Array) => {
      this.heard++;
      try {
        reader.feed(chunk);
      } catch (error) {
        pipe.removeAllListeners("data").resume();
        this.kill(
          `said something that cannot be understood: ${error instanceof Error ? error.message : String(error)}`,
        );
      }
    });
    pipe.on("drain", options.drained);
    // What the end of the process says is said better.
    pipe.on("error", () => {});
  }

  /** Whether what was written has not gone yet. */
  get congested(): boolean {
    return this.#pipe?.writableNeedDrain ?? false;
  }

  /** Of a frame, see `FrameWriter.add`. */
  add(...frame: Parameters<FrameWriter["add"]>): void {
    this.#writer?.add(...frame);
  }

  flush(): void {
    if (this.#pipe?.writable === true) this.#writer?.flush();
  }

  /** Whatever it does now. @param reason what is told of its end */
  kill(reason?: string): void {
    this.#reason ??= reason;
    const { exitCode, signalCode } = this.#process;
    if (exitCode !== null || signalCode !== null) return;
    this.#process.kill("SIGKILL");
    this.#killGroup();
  }

  /** What a launcher has started, and did not become itself: it would keep the pipe. */
  #killGroup(): void {
    const { pid } = this.#process;
    if (pid === undefined || process.platform === "win32") return;
    try {
      process.kill(-pid, "SIGKILL");
    } catch {
      // Nobody is left.
    }
  }

  /** Keeps this process until the child is gone. */
  ref(): void {
    this.#process.ref();
    this.#pipe?.ref();
  }

  unref(): void {
    this.#process.unref();
    this.#pipe?.unref();
  }

  #readOutput(): void {
    const { stdout, stderr } = this.#process;
    const logger = new LimitedLogger(this.#options.logger);
    eachLine(stdout, (line) => logger.debug(line, { stream: "stdout" }));
    eachLine(stderr, (line) => {
      logger.debug(line, { stream: "stderr" });
      if (line.trim() === "" || STACK_FRAME.test(line)) return;
      this.#lastLines.push(line.trim());
      if (this.#lastLines.length > LAST_LINES) this.#lastLines.shift();
    });
  }

  #describe(code: number | null, signal: NodeJS.Signals | null): string {
    const how = signal === null ? `exited with code ${code}` : `was ended by ${signal}`;
    return this.#lastLines.length === 0 ? how : `${how}: ${this.#lastLines.join(" / ")}`;
  }
}

/** Keeps no process. */
function eachLine(stream: Readable | null | undefined, take: (line: string) => void): void {
  if (!stream) return;
  let rest = "";
  stream.setEncoding("utf8");
  stream.on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) take(line);
    if (rest.length < MAX_LINE) return;
    take(rest);
    rest = "";
  });
  stream.on("end", () => {
    if (rest !== "") take(rest);
  });
  if (stream instanceof Socket) stream.unref();
}
