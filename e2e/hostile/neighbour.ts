/** A collector with two pipelines: one with a hostile plugin, and one with a healthy plugin that is busy the whole time. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { callGrpc, type GrpcAnswer, type HttpAnswer, postHttp } from "../clients.ts";
import { anyPort, exporter, type Running, SINGLE_ATTEMPT, startCollector } from "../collector.ts";
import { LogLines } from "../log-lines.ts";
import { encode, requestType } from "../proto.ts";
import type { Sink } from "../sink.ts";
import { hostileGuest, LARGE } from "./guests.ts";

function traces(text: string): Uint8Array {
  const span = { traceId: new Uint8Array(16).fill(7), spanId: new Uint8Array(8).fill(9), name: text };
  return encode(requestType.traces, { resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] });
}

/** What every guest takes; and what a hostile one was waiting for. */
export const GOOD: Uint8Array = traces("good");
export const BAD: Uint8Array = traces("bad".padEnd(2 * LARGE, "!"));

const NEIGHBOUR_BATCH = encode(requestType.logs, {
  resourceLogs: [{ scopeLogs: [{ logRecords: [{ body: { stringValue: "all is well" } }] }] }],
});

/** Sends one request after the other until it is told to stop. */
class Neighbour {
  readonly failures: string[] = [];
  answered = 0;
  readonly #waiters = new Set<() => void>();
  readonly #running: Promise<void>;
  #stopped = false;

  constructor(target: Running) {
    this.#running = this.#run(target);
  }

  /** Resolves when so many more requests, sent from now on, were answered. */
  more(count: number): Promise<void> {
    // The one under way was sent before.
    const enough = this.answered + count + 1;
    const { promise, resolve } = Promise.withResolvers<void>();
    const check = (): void => {
      if (this.answered < enough) return;
      this.#waiters.delete(check);
      resolve();
    };
    this.#waiters.add(check);
    return promise;
  }

  stop(): Promise<void> {
    this.#stopped = true;
    return this.#running;
  }

  async #run(target: Running): Promise<void> {
    while (!this.#stopped) {
      const { status, body } = await postHttp(target, "logs", NEIGHBOUR_BATCH).catch((error: unknown) => ({
        status: 0,
        body: String(error),
      }));
      this.answered++;
      if (status !== 200) this.failures.push(`request ${this.answered}: ${status} ${body.toString()}`);
      for (const check of [...this.#waiters]) check();
    }
  }
}

export interface Fixture extends AsyncDisposable {
  readonly collector: Running;
  readonly log: LogLines;
  readonly neighbour: Neighbour;
  grpc(payload: Uint8Array): Promise<GrpcAnswer>;
  http(payload: Uint8Array): Promise<HttpAnswer>;
  /** Shuts the collector down and checks that the neighbour never noticed anything. @returns what `shutdown` threw */
  finish(): Promise<Error | undefined>;
}

export interface HostileOptions {
  readonly role?: "receiver" | "processor" | "exporter";
  /** Further keys of the component. */
  readonly config?: object;
  /** The sink's answers; it accepts everything else. */
  readonly respond?: Sink["respond"];
}

let healthy: Promise<string> | undefined;

/** The configuration; all that is hostile is in the pipeline of traces. */
export async function hostileConfig(
  sink: Sink,
  path: string,
  { role = "processor", config = {} }: HostileOptions,
  protocols: object = anyPort,
): Promise<object> {
  healthy ??= hostileGuest({});
  const plugin = { "wasm/hostile": { path, ...(role === "exporter" ? SINGLE_ATTEMPT : {}), ...config } };
  const used = { receiver: ["otlp"], processor: [] as string[], exporter: ["otlp_grpc"], [role]: ["wasm/hostile"] };
  return {
    receivers: { otlp: protocols, ...(role === "receiver" ? plugin : {}) },
    processors: { "wasm/healthy": { path: await healthy }, ...(role === "processor" ? plugin : {}) },
    exporters: { otlp_grpc: exporter("otlp_grpc", sink), ...(role === "exporter" ? plugin : {}) },
    service: {
      pipelines: {
        traces: { receivers: used.receiver, processors: used.processor, exporters: used.exporter },
        logs: { receivers: ["otlp"], processors: ["wasm/healthy"], exporters: ["otlp_grpc"] },
      },
    },
  };
}

/** Started, and the neighbour had its first answers. */
export async function withHostile(sink: Sink, path: string, options: HostileOptions = {}): Promise<Fixture> {
  sink.clear();
  if (options.respond !== undefined) sink.respond = options.respond;
  const log = new LogLines();
  const collector = await startCollector(await hostileConfig(sink, path, options), { logger: log });
  const ports = [collector.grpcUrl, collector.httpUrl].map((url) => Number(new URL(url).port));
  const neighbour = new Neighbour(collector);
  await neighbour.more(2);
  let finishing: Promise<Error | undefined> | undefined;
  const finish = async (): Promise<Error | undefined> => {
    await neighbour.stop();
    const outcome = await collector.shutdown().then(
      () => undefined,
      (error: Error) => error,
    );
    for (const port of ports) await assertFree(port);
    assert.deepEqual(neighbour.failures, []);
    assert.equal(sink.requests.filter(({ signal }) => signal === "logs").length, neighbour.answered);
    return outcome;
  };
  return {
    collector,
    log,
    neighbour,
    grpc: (payload) => callGrpc(collector, "traces", payload),
    http: (payload) => postHttp(collector, "traces", payload),
    finish() {
      finishing ??= finish();
      return finishing;
    },
    // Where a test failed before its end: that is what is reported then.
    async [Symbol.asyncDispose]() {
      await neighbour.stop();
      await collector.shutdown().catch((error: unknown) => log.debug("the end of a test", { error }));
    },
  };
}

/** Somebody else can listen there. */
export async function assertFree(port: number): Promise<void> {
  const server = createServer();
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  server.close();
  await once(server, "close");
}
