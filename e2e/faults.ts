/**
 * Load with faults: OTLP over both protocols through a plugin that traps in one of 500 calls and hangs in one of 5000. Everything that was acknowledged must be
 * at the sink, nothing that was refused, each once; memory and threads must stay what they were.
 *
 *     node scripts/run.mjs e2e/faults.ts [--seconds 60] [--lanes 32] [--instances 1]      prints figures, ends with 1 when something is wrong
 */
import { setTimeout as pause } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { throughConfig } from "./collector.ts";
import type { ProcessFigures } from "./collector-main.ts";
import { CollectorProcess } from "./collector-process.ts";
import { compileGuest } from "./guests.ts";
import { Ledger, type LedgerTotals } from "./ledger.ts";
import { type Attempt, Requests } from "./requests.ts";
import { grpcSender, httpSender, type NotAcknowledged, type Sender } from "./senders.ts";
import { accept, startSink } from "./sink.ts";

export interface FaultOptions {
  /** How long requests are begun (60); or how many, however long. A third of either is the warm-up. */
  readonly seconds?: number;
  readonly requests?: number;
  /** Requests in flight; half of them over gRPC, half over HTTP. */
  readonly lanes?: number;
  readonly instances?: number;
  /** Of the plugin. More where other programs may keep a thread from running. Default 100. */
  readonly callTimeoutMs?: number;
}

export interface FaultResult {
  readonly seconds: number;
  readonly attemptsPerSecond: number;
  readonly itemsPerSecond: number;
  readonly ledger: LedgerTotals;
  /** Of instances, as the collector's log says. */
  readonly restarts: { readonly afterTraps: number; readonly afterDeadlines: number; readonly others: number };
  /** Milliseconds until an attempt was answered. */
  readonly acknowledgedMs: Percentiles;
  readonly refusedMs: Percentiles;
  /** The guest's memory at the end, in pages of 64 KiB. */
  readonly guestPages: number[];
  readonly afterWarmUp: ProcessFigures;
  readonly atEnd: ProcessFigures;
  readonly problems: readonly string[];
}

interface Percentiles {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

const MIB = 1024 * 1024;
/** What differs between two moments whatever was done, see `soak.ts`. */
const TOLERANCE = { heap: 4 * MIB, buffers: 2 * MIB, rss: 160 * MIB } as const;

export async function faults(options: FaultOptions): Promise<FaultResult> {
  const { seconds, requests, lanes = 32, instances = 1, callTimeoutMs = 100 } = options;
  await using sink = await startSink();
  await using collector = await CollectorProcess.start(
    throughConfig(
      "otlp_http",
      sink,
      {
        wasm: {
          path: await compileGuest("faults"),
          instances,
          limits: { call_timeout: `${callTimeoutMs}ms`, memory: "4MiB" },
          restart: { initial_interval: "5ms", max_interval: "50ms", max_restarts: 1_000_000 },
        },
      },
      { signals: ["traces"] },
    ),
  );
  const ledger = new Ledger();
  sink.respond = ({ message }) => {
    ledger.received(message);
    // The ledger has it.
    sink.requests.length = 0;
    return accept;
  };
  const load = new Load(ledger);
  const target = await collector.target();
  const [http, overGrpc] = [httpSender(target, { connections: lanes }), grpcSender(target)];
  const senders = Array.from({ length: lanes }, (_, lane) => (lane % 2 === 0 ? http : overGrpc));
  const warmUpRequests = requests === undefined ? undefined : Math.floor(requests / 3);
  const milliseconds = requests === undefined ? (seconds ?? 60) * 1000 : Number.MAX_VALUE;
  const warmUp = await load.run(senders, warmUpRequests ?? Number.MAX_SAFE_INTEGER, milliseconds / 3);
  const afterWarmUp = await collector.measure();
  const took =
    warmUp +
    (await load.run(senders, (requests ?? Number.MAX_SAFE_INTEGER) - (warmUpRequests ?? 0), (milliseconds * 2) / 3));
  const atEnd = await collector.measure();
  http.close();
  overGrpc.close();
  const { lines, error } = await collector.shutdown();

  const totals = ledger.totals;
  const replaced = (how: RegExp): number => lines.filter((line) => how.test(line)).length;
  const all = replaced(/was replaced by a fresh one/);
  const afterTraps = replaced(/that trapped was replaced by a fresh one/);
  const afterDeadlines = replaced(/that ran past its deadline was replaced by a fresh one/);
  const guestPages = lines.flatMap((line) => /pages of memory: (\d+)/.exec(line)?.slice(1).map(Number) ?? []);
  const result: Omit<FaultResult, "problems"> = {
    seconds: Math.round(took / 100) / 10,
    attemptsPerSecond: Math.round((totals.attempts / took) * 1000),
    itemsPerSecond: Math.round((totals.itemsReceived / took) * 1000),
    ledger: totals,
    restarts: { afterTraps, afterDeadlines, others: all - afterTraps - afterDeadlines },
    acknowledgedMs: percentiles(load.acknowledgedMs),
    refusedMs: percentiles(load.refusedMs),
    guestPages,
    afterWarmUp,
    atEnd,
  };
  const problems = [...load.problems, ...ledger.problems(), ...problemsOf(result, instances)];
  if (error !== undefined) problems.push(`the collector's shutdown: ${error}`);
  return { ...result, problems };
}

/** What the figures alone say. */
export function problemsOf(result: Omit<FaultResult, "problems">, instances: number): string[] {
  const { ledger, restarts, guestPages, afterWarmUp, atEnd } = result;
  const problems: string[] = [];
  // A batch of an instance that hangs is lost with it before it ran: not every fault that is due happens.
  if (restarts.afterTraps > ledger.trapsDue) problems.push(`${restarts.afterTraps} restarts after traps`);
  if (restarts.afterDeadlines > ledger.hangsDue) problems.push(`${restarts.afterDeadlines} restarts after deadlines`);
  if (restarts.others > 0) problems.push(`${restarts.others} restarts for other reasons`);
  if (guestPages.length !== instances || guestPages.some((pages) => pages !== 2))
    problems.push(`the guests' memories have ${guestPages.join(", ")} pages, not 2 each`);
  for (const { workers } of [afterWarmUp, atEnd])
    if (workers !== instances) problems.push(`${workers} worker threads for ${instances} instances`);
  for (const name of ["heap", "buffers", "rss"] as const) {
    const more = atEnd[name] - afterWarmUp[name];
    if (more > TOLERANCE[name]) problems.push(`${name} grew by ${more} bytes, from ${afterWarmUp[name]}`);
  }
  return problems;
}

/** Lanes that send one request after the other, each until it is acknowledged. */
class Load {
  readonly acknowledgedMs: number[] = [];
  readonly refusedMs: number[] = [];
  readonly problems: string[] = [];
  readonly #ledger: Ledger;
  readonly #requests = new Requests();
  #next = 0;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /** So many requests, and none later than `milliseconds`. @returns milliseconds until the last answer */
  async run(lanes: readonly Sender[], count: number, milliseconds: number): Promise<number> {
    const begun = performance.now();
    const end = this.#next + count;
    const goesOn = (): boolean => this.#next < end && performance.now() - begun < milliseconds;
    await Promise.all(
      lanes.map(async (sender) => {
        while (goesOn()) await this.#deliver(this.#next++, sender);
      }),
    );
    return performance.now() - begun;
  }

  async #deliver(request: number, sender: Sender): Promise<void> {
    for (let number = 0; ; number++) {
      const attempt = this.#requests.attempt(request, number);
      this.#ledger.sent(attempt);
      const begun = performance.now();
      const outcome = await sender.send("traces", attempt.bytes);
      const took = performance.now() - begun;
      if (outcome.kind === "acknowledged") {
        this.#ledger.acknowledged(attempt);
        this.acknowledgedMs.push(took);
        return;
      }
      this.#refuse(attempt, outcome, took);
      await pause(5 + Math.random() * 10);
    }
  }

  #refuse(attempt: Attempt, outcome: NotAcknowledged, took: number): void {
    const message = outcome.kind === "refused" ? outcome.message : outcome.why;
    const why = reasonOf(message);
    this.#ledger.refused(attempt, why ?? message);
    this.refusedMs.push(took);
    if (outcome.kind === "refused" && !outcome.retryable) this.problems.push(`told not to try again: ${message}`);
    else if (why === undefined) this.problems.push(`refused for another reason: ${message}`);
  }
}

/** All that may be said to a sender of this plugin's data. */
const REASONS: Readonly<Record<string, RegExp>> = {
  trapped: /consume_traces: trapped: unreachable[^;]*$/,
  deadline: /consume_traces: stopped: it ran longer than \d+ ms$/,
  "lost with a call that hung": /the instance ran past its deadline with this batch in its hands; it is not at fault$/,
  "while restarting": /; restarting in \d+ ms$/,
};

function reasonOf(message: string): string | undefined {
  return Object.entries(REASONS).find(([, pattern]) => pattern.test(message))?.[0];
}

function percentiles(values: readonly number[]): Percentiles {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): number =>
    Math.round((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0) * 100) / 100;
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const { values } = parseArgs({
    options: {
      seconds: { type: "string", default: "60" },
      lanes: { type: "string", default: "32" },
      instances: { type: "string", default: "1" },
    },
  });
  const result = await faults({
    seconds: Number(values.seconds),
    lanes: Number(values.lanes),
    instances: Number(values.instances),
  });
  console.log(JSON.stringify(result, undefined, 2));
  const { problems } = result;
  console.log(
    problems.length === 0
      ? "every acknowledged batch is at the sink, no refused one is, memory and threads are flat"
      : `wrong: ${problems.slice(0, 20).join("; ")}`,
  );
  process.exitCode = problems.length === 0 ? 0 : 1;
}
