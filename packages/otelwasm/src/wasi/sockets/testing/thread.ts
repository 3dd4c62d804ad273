/** The thread of a guest whose calls come one by one from the test's thread. */
import { parentPort, workerData } from "node:worker_threads";
import type { LogAttributes, Logger } from "../../../component/logger.ts";
import type { Memory, ModuleInstance } from "../../../runtime/contract.ts";
import { create, type RuntimeConfig } from "../../../runtime/registry.ts";
import "../../../runtime/engines.ts";
import { type NetworkGrant, NO_GRANTS } from "../../grants.ts";
import { createWasi } from "../../index.ts";
import type { NetworkLink } from "../protocol.ts";

export interface ThreadPlan {
  readonly runtimeConfig: RuntimeConfig;
  readonly binary: Uint8Array;
  readonly network: NetworkGrant;
  readonly link: NetworkLink | undefined;
  readonly wake: Int32Array;
  readonly shutdown: Int32Array;
}

/** Before the call these bytes are written, after it those are read. */
export interface Step {
  readonly name: string;
  readonly params: readonly number[];
  readonly writes: readonly { readonly at: number; readonly bytes: Uint8Array }[];
  readonly reads: readonly { readonly at: number; readonly size: number }[];
  /** Called so often, and the last result counts. */
  readonly times?: number;
}

export type StepAnswer =
  | { readonly result: number; readonly reads: readonly Uint8Array[]; readonly milliseconds: number }
  | { readonly trap: string }
  | { readonly line: string };

class PortLogger implements Logger {
  trace(): void {}
  debug(): void {}
  info(): void {}
  warn(message: string): void {
    parentPort?.postMessage({ line: message } satisfies StepAnswer);
  }
  error(message: string): void {
    this.warn(message);
  }
  child(_own: LogAttributes): Logger {
    return this;
  }
}

const plan = workerData as ThreadPlan;
const runtime = await create(plan.runtimeConfig);
const module = await runtime.compile(plan.binary);
const wasi = createWasi({
  grants: { ...NO_GRANTS, network: plan.network },
  logger: new PortLogger(),
  network: plan.link,
  wake: plan.wake,
  shutdownRequested: () => Atomics.load(plan.shutdown, 0) === 1,
});
const { instance } = await runtime.instantiateWithHost(module, wasi);

function run(memory: Memory, { function: named }: ModuleInstance, step: Step): StepAnswer {
  for (const { at, bytes } of step.writes) memory.write(at, bytes);
  const called = named.call(instance, step.name)!;
  const began = performance.now();
  let result = 0;
  for (let i = 0; i < (step.times ?? 1); i++) result = called.call(...step.params) as number;
  const milliseconds = performance.now() - began;
  return { result, milliseconds, reads: step.reads.map(({ at, size }) => memory.read(at, size).slice()) };
}

parentPort?.on("message", (step: Step | "close") => {
  if (step === "close") {
    wasi.close();
    parentPort?.close();
    return;
  }
  try {
    parentPort?.postMessage(run(instance.memory!, instance, step));
  } catch (error) {
    parentPort?.postMessage({ trap: String(error) } satisfies StepAnswer);
  }
});
