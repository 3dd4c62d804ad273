import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Signal } from "otelwasm";

export interface LoadRequest {
  readonly protocol: "http" | "grpc";
  readonly signal: Signal;
  readonly items: number;
  readonly gzip: boolean;
  readonly port: number;
  readonly connections: number;
  readonly warmupMs: number;
  readonly measureMs: number;
}

export interface Measurement {
  /** Items that the sink acknowledged, per second of the collector's CPU time (user and system, all threads). */
  readonly itemsPerCpuSecond: number;
  readonly requestsPerSecond: number;
  readonly rssMiB: number;
}

async function message<T extends object>(
  child: ChildProcess,
  wanted: (message: T) => boolean = () => true,
): Promise<T> {
  const controller = new AbortController();
  const ended = once(child, "exit", { signal: controller.signal }).then(([code]) => {
    throw new Error(`the process ended with ${code} before it answered`);
  });
  const answered = new Promise<T>((resolve) => {
    const listener = (value: T): void => {
      if (!wanted(value)) return;
      child.off("message", listener as (value: unknown) => void);
      resolve(value);
    };
    child.on("message", listener as (value: unknown) => void);
  });
  try {
    return await Promise.race([answered, ended]);
  } finally {
    controller.abort();
    ended.catch(() => undefined);
  }
}

/** A collector in a process of its own. */
export interface MeasuredCollector {
  /** @throws Error if a request failed or the sink did not get what was acknowledged */
  measure(request: Omit<LoadRequest, "port">): Promise<Measurement>;
  stop(): Promise<void>;
}

/** The load's process with its sink: one for all measurements. */
export class Load {
  readonly #child: ChildProcess;
  readonly sinks: { readonly http: number; readonly grpc: number };

  private constructor(child: ChildProcess, sinks: { http: number; grpc: number }) {
    this.#child = child;
    this.sinks = sinks;
  }

  static async start(): Promise<Load> {
    const child = fork(join(import.meta.dirname, "load.ts"), { execArgv: ["--conditions=otelwasm-source"] });
    return new Load(child, await message<{ http: number; grpc: number }>(child));
  }

  /** Runs one collector under one load and stops it. @throws Error if a request failed or the sink did not get what was acknowledged */
  async measure(config: object, request: Omit<LoadRequest, "port">): Promise<Measurement> {
    const running = await this.collector(config);
    try {
      return await running.measure(request);
    } finally {
      await running.stop();
    }
  }

  /** Starts a collector, to be measured once or more. */
  async collector(config: object): Promise<MeasuredCollector> {
    const child = fork(join(import.meta.dirname, "child.ts"), [JSON.stringify(config)], {
      execArgv: ["--conditions=otelwasm-source"],
    });
    const { endpoints } = await message<{ endpoints: { protocol: string; url: string }[] }>(child);
    return {
      measure: (request) => this.#measure(child, endpoints, request),
      stop: async () => {
        child.send("stop");
        await once(child, "exit");
      },
    };
  }

  async #measure(
    collector: ChildProcess,
    endpoints: readonly { readonly protocol: string; readonly url: string }[],
    request: Omit<LoadRequest, "port">,
  ): Promise<Measurement> {
    const endpoint = endpoints.find(({ protocol }) => protocol === request.protocol);
    if (endpoint === undefined) throw new Error(`the collector does not listen for ${request.protocol}`);
    const usage = async (): Promise<{ cpuSeconds: number; rssBytes: number }> => {
      collector.send("usage");
      return message(collector);
    };
    const event = <T extends object>(name: string): Promise<T> =>
      message<T & { event: string }>(this.#child, (value) => value.event === name);
    const measuring = event("measuring");
    const measured = event("measured");
    const result = event<{ acknowledged: number; failed: number }>("result");
    this.#child.send({ ...request, port: Number(new URL(endpoint.url).port) } satisfies LoadRequest);
    await measuring;
    const before = await usage();
    await measured;
    const after = await usage();
    const { acknowledged, failed } = await result;
    if (failed > 0 || acknowledged === 0) throw new Error(`${failed} of ${acknowledged + failed} requests failed`);
    return {
      itemsPerCpuSecond: (acknowledged * request.items) / (after.cpuSeconds - before.cpuSeconds),
      requestsPerSecond: acknowledged / (request.measureMs / 1000),
      rssMiB: after.rssBytes / 2 ** 20,
    };
  }

  stop(): void {
    this.#child.disconnect();
  }
}
