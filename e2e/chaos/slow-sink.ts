/** A sink in a process of its own that serves so many requests at a time, each for so long: what a pipeline before it can carry is then known, whatever else the machine has to do. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Target } from "../clients.ts";
import type { Plain, Signal } from "../proto.ts";
import type { Receipts } from "./ledger.ts";

export interface SlowSinkOptions {
  readonly atOnce: number;
  readonly holdMs: number;
}

export interface Taken {
  readonly signal: Signal;
  readonly message: Plain;
}

export interface SlowSink extends Target, AsyncDisposable {
  /** Resolves when everything that the sink has taken so far is in the books. */
  told(): Promise<void>;
}

export type SlowSinkMessage =
  | { readonly target: Target }
  | { readonly taken: readonly Taken[] }
  | { readonly told: true };

/** @param receipts gets what the sink takes */
export async function startSlowSink(receipts: Receipts, options: SlowSinkOptions): Promise<SlowSink> {
  const child = fork(fileURLToPath(new URL("slow-sink-main.ts", import.meta.url)), {
    execArgv: ["--conditions=otelwasm-source"],
    serialization: "advanced",
  });
  const started = Promise.withResolvers<Target>();
  let told: (() => void) | undefined;
  child.on("message", (message: SlowSinkMessage) => {
    if ("target" in message) started.resolve(message.target);
    else if ("told" in message) told?.();
    else for (const { signal, message: each } of message.taken) receipts.took(signal, each, undefined)(true);
  });
  child.once("exit", (code) => started.reject(new Error(`the sink's process ended with ${code}`)));
  child.send(options);
  const { grpcUrl, httpUrl } = await started.promise;
  return {
    grpcUrl,
    httpUrl,
    told() {
      const { promise, resolve } = Promise.withResolvers<void>();
      told = resolve;
      child.send("tell");
      return promise;
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null) return;
      const exit = once(child, "exit");
      child.disconnect();
      await exit;
    },
  };
}
