import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Target } from "./clients.ts";
import type { ProcessFigures, Question, Reply } from "./collector-main.ts";

/**
 * A collector in a process of its own, so that what is measured of it is nobody else's: `collector-main.ts`, forked. Its log is kept there until its
 * shutdown.
 */
export class CollectorProcess implements AsyncDisposable {
  readonly #child: ChildProcess;

  static async start(config: object): Promise<CollectorProcess> {
    const child = fork(fileURLToPath(new URL("collector-main.ts", import.meta.url)), {
      execArgv: ["--conditions=otelwasm-source"],
    });
    await ask(child, { ask: "start", config }, "started");
    return new CollectorProcess(child);
  }

  constructor(child: ChildProcess) {
    this.#child = child;
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Where its OTLP receiver listens. */
  async target(): Promise<Target> {
    return (await ask(this.#child, { ask: "target" }, "target")).target;
  }

  /** Resolves as soon as so many lines of its log match. */
  async waitFor(pattern: RegExp, count: number): Promise<readonly string[]> {
    return (await ask(this.#child, { ask: "log", pattern: pattern.source, count }, "lines")).lines;
  }

  async measure(): Promise<ProcessFigures> {
    return (await ask(this.#child, { ask: "measure" }, "figures")).figures;
  }

  async shutdown(): Promise<{ readonly lines: readonly string[]; readonly error: string | undefined }> {
    return ask(this.#child, { ask: "shutdown" }, "lines");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const exit = once(this.#child, "exit");
    this.#child.disconnect();
    await exit;
  }
}

async function ask<K extends string>(
  child: ChildProcess,
  question: Question,
  key: K,
): Promise<Extract<Reply, Readonly<Record<K, unknown>>>> {
  const { promise, resolve, reject } = Promise.withResolvers<Reply>();
  const ended = (code: number | null): void => reject(new Error(`the collector's process ended with ${code}`));
  child.once("message", resolve);
  child.once("exit", ended);
  child.send(question);
  try {
    const reply = await promise;
    const isAnswer = (given: Reply): given is Extract<Reply, Readonly<Record<K, unknown>>> => key in given;
    if (!isAnswer(reply)) throw new Error(`an answer to another question: ${JSON.stringify(reply)}`);
    return reply;
  } finally {
    child.off("message", resolve);
    child.off("exit", ended);
  }
}
