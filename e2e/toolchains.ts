/**
 * A collector of which every part is a plugin of another toolchain: a receiver in Go that listens, a processor in Go, an exporter in Rust that dials; for all
 * signals. Load on it for a time, and a stop while requests are in flight: everything that was acknowledged must be at the sink, memory must stay what it was,
 * and the ports must be free again.
 *
 *     node scripts/run.mjs e2e/toolchains.ts [--seconds 60] [--lanes 4]      prints figures, ends with 1 when something is wrong
 */
import { once } from "node:events";
import { Agent, request as httpRequest, type IncomingMessage } from "node:http";
import { createServer } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { buildGuest } from "../conformance/build.ts";
import type { ProcessFigures } from "./collector-main.ts";
import { CollectorProcess } from "./collector-process.ts";
import { Deliveries, MARK, template } from "./deliveries.ts";
import { SIGNALS, type Signal } from "./proto.ts";
import { accept, type Sink, startSink } from "./sink.ts";

export interface ToolchainOptions {
  /** How long there is load; a third of it is the warm-up. */
  readonly seconds: number;
  /** Requests in flight for each signal. */
  readonly lanes?: number;
}

export interface ToolchainResult {
  readonly requestsPerSecond: number;
  readonly acknowledged: number;
  /** All of them during the stop. */
  readonly refused: number;
  readonly afterWarmUp: ProcessFigures;
  readonly atEnd: ProcessFigures;
  /** Milliseconds that the stop took, with load on it. */
  readonly stopMs: number;
  readonly problems: readonly string[];
}

/** Receiver, processor and exporter of other toolchains, for all signals; ports that the system chooses. */
export async function toolchainConfig(sink: Sink): Promise<object> {
  const { host } = new URL(sink.httpUrl);
  const names = { receivers: ["wasm/go"], processors: ["wasm/go"], exporters: ["wasm/rust"] };
  return {
    receivers: {
      "wasm/go": {
        path: await buildGuest("go-receiver"),
        plugin_config: { listen: Object.fromEntries(SIGNALS.map((signal) => [signal, "127.0.0.1:0"])) },
        network: { listen: ["127.0.0.1:0"] },
      },
    },
    processors: { "wasm/go": { path: await buildGuest("go-processor"), plugin_config: { mark: MARK } } },
    exporters: {
      "wasm/rust": {
        path: await buildGuest("rust-exporter"),
        plugin_config: { endpoint: host },
        network: { connect: [host] },
      },
    },
    service: { pipelines: Object.fromEntries(SIGNALS.map((signal) => [signal, names])) },
  };
}

const LISTENING = /listening for (\w+) on ([\d.]+:\d+)/;

/** @returns where each signal is taken */
export function addressesIn(lines: readonly string[]): Record<Signal, string> {
  const found = Object.fromEntries(lines.map((line) => LISTENING.exec(line)?.slice(1) ?? []));
  for (const signal of SIGNALS) if (found[signal] === undefined) throw new Error(`no address for ${signal}`);
  return found as Record<Signal, string>;
}

const MIB = 1024 * 1024;
/** What differs between two moments whatever was done, see `soak.ts`; Go's collector lets its heap grow to twice of what lives, in each of six guests. */
const TOLERANCE = { heap: 4 * MIB, buffers: 2 * MIB, rss: 160 * MIB } as const;

export async function toolchains({ seconds, lanes = 4 }: ToolchainOptions): Promise<ToolchainResult> {
  await using sink = await startSink();
  const deliveries = new Deliveries();
  sink.respond = ({ signal, message }) => {
    deliveries.received(signal, message);
    // The books have it.
    sink.requests.length = 0;
    return accept;
  };
  await using collector = await CollectorProcess.start(await toolchainConfig(sink));
  const addresses = addressesIn(await collector.waitFor(LISTENING, SIGNALS.length));
  const load = new Load(deliveries, addresses, lanes);
  await pause((seconds * 1000) / 3);
  const afterWarmUp = await collector.measure();
  await pause((seconds * 2000) / 3);
  const atEnd = await collector.measure();
  const { requestsPerSecond } = load;
  const problems = deliveries.problems({ stopped: false });
  const begun = performance.now();
  const stopping = collector.shutdown();
  await load.ended;
  const { lines, error } = await stopping;
  const stopMs = Math.round(performance.now() - begun);
  load.close();
  problems.push(...deliveries.problems({ stopped: true }));
  for (const name of ["heap", "buffers", "rss"] as const) {
    const more = atEnd[name] - afterWarmUp[name];
    if (more > TOLERANCE[name]) problems.push(`${name} grew by ${more} bytes, from ${afterWarmUp[name]}`);
  }
  for (const address of Object.values(addresses))
    if (!(await isFree(address))) problems.push(`${address} is still taken`);
  problems.push(...lines.filter((line) => /^error/.test(line)));
  if (error !== undefined) problems.push(`the collector's shutdown: ${error}`);
  const { acknowledged, refused } = deliveries.totals;
  return { requestsPerSecond, acknowledged, refused, afterWarmUp, atEnd, stopMs, problems };
}

/** Lanes that send one request after the other, until one is refused or finds nobody. */
class Load {
  readonly #begun = performance.now();
  readonly #deliveries: Deliveries;
  readonly #agent: Agent;
  /** When every lane has ended. */
  readonly ended: Promise<unknown>;

  constructor(deliveries: Deliveries, addresses: Record<Signal, string>, lanes: number) {
    this.#deliveries = deliveries;
    this.#agent = new Agent({ keepAlive: true, maxSockets: lanes });
    this.ended = Promise.all(
      SIGNALS.flatMap((signal) => Array.from({ length: lanes }, () => this.#lane(signal, addresses[signal]))),
    );
  }

  get requestsPerSecond(): number {
    return Math.round((this.#deliveries.totals.acknowledged * 1000) / (performance.now() - this.#begun));
  }

  close(): void {
    this.#agent.destroy();
  }

  async #lane(signal: Signal, address: string): Promise<void> {
    const make = template(signal);
    for (;;) {
      const id = this.#deliveries.sent(signal);
      const problem = await this.#post(`http://${address}/v1/${signal}`, make(id)).catch(
        (error: Error) => error.message,
      );
      if (problem === undefined) this.#deliveries.acknowledged(id);
      else return this.#deliveries.refused(id, problem);
    }
  }

  /** @returns what is wrong, if anything is */
  async #post(url: string, body: Uint8Array): Promise<string | undefined> {
    const headers = { "content-type": "application/x-protobuf" };
    const request = httpRequest(url, { method: "POST", agent: this.#agent, headers });
    request.end(body);
    const [response] = (await once(request, "response")) as [IncomingMessage];
    for await (const _ of response);
    return response.statusCode === 200 ? undefined : `status ${response.statusCode}`;
  }
}

async function isFree(address: string): Promise<boolean> {
  const { hostname, port } = new URL(`http://${address}`);
  const server = createServer().listen(Number(port), hostname);
  const free = await once(server, "listening").then(
    () => true,
    () => false,
  );
  server.close();
  return free;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const { values } = parseArgs({
    options: { seconds: { type: "string", default: "60" }, lanes: { type: "string", default: "4" } },
  });
  const result = await toolchains({ seconds: Number(values.seconds), lanes: Number(values.lanes) });
  console.log(JSON.stringify(result, undefined, 2));
  process.exitCode = result.problems.length === 0 ? 0 : 1;
}
