/**
 * Three times the load that a pipeline can carry: first what it can carry is found out by clients that wait for each answer, then others send at a fixed rate, whatever becomes of it. Memory must stay below its limit, every refusal must be one after which clients
 * try again, what is accepted must not become much less, and what is acknowledged must be at the sink.
 *
 * Generator, collector and sink have a process each. What limits the pipeline is the sink, which takes its time over each request (so the peak does not depend on what else the machine does), or the processor (that is told, and judged by nobody).
 */
import { setTimeout as pause } from "node:timers/promises";
import { exporter, type Output } from "../collector.ts";
import type { Signal } from "../proto.ts";
import { Requests } from "../requests.ts";
import { grpcSender, httpSender, type Sender } from "../senders.ts";
import { Disk } from "./disk.ts";
import { Ledger, type LedgerTotals } from "./ledger.ts";
import { type SlowSink, startSlowSink } from "./slow-sink.ts";
import { NO_TELEMETRY, Subject } from "./subject.ts";

export interface Overload {
  readonly name: string;
  readonly what: string;
  readonly output: Output;
  /** Of the exporter. */
  readonly delivery: Readonly<Record<string, unknown>>;
  readonly processors: Readonly<Record<string, unknown>>;
  /** Bytes of each request, about: what is kept of them shows. */
  readonly requestBytes: number;
  /** Milliseconds for which the sink holds each request; 0: the processor is the limit. */
  readonly holdMs: number;
  /** The most resident memory that the collector may have, in MiB. */
  readonly limitMib: number;
}

export interface Overloaded {
  readonly overload: Overload;
  readonly seed: number;
  /** Requests acknowledged in a second: what the pipeline can carry, and under overload. */
  readonly peak: number;
  readonly accepted: number;
  /** Requests sent in a second under overload. */
  readonly offered: number;
  /** `accepted` as a share of `peak`. */
  readonly share: number;
  readonly rssMib: number;
  readonly ledger: LedgerTotals;
  readonly problems: readonly string[];
}

export interface OverloadOptions {
  /** How long there is three times too much; half of it, at most ten, is for finding the peak. */
  readonly seconds: number;
  readonly seed: number;
}

const FACTOR = 3;
/** The least that accepted data may fall to, of the peak. */
const LEAST_SHARE = 0.8;
const SINK_AT_ONCE = 10;
/** Enough that the sink always has something to do. */
const LANES = 40;
const TICK_MS = 10;
/** Requests that nobody has answered: no more are sent then, as no client has connections without end, and this one would become the limit itself. It is more than any of the queues holds. */
const UNANSWERED = 600;
const PATIENCE_MS = 60_000;
const SIGNAL: Signal = "logs";
const MIB = 1024 * 1024;

export async function playOverload(overload: Overload, { seconds, seed }: OverloadOptions): Promise<Overloaded> {
  const ledger = new Ledger();
  const receipts = ledger.sink([SIGNAL]);
  const { output, delivery, processors, holdMs, limitMib } = overload;
  await using sink = await startSlowSink(receipts, { atOnce: holdMs === 0 ? LANES : SINK_AT_ONCE, holdMs });
  using disk = new Disk();
  const pipeline = { receivers: ["otlp"], processors: Object.keys(processors), exporters: [output] };
  await using subject = await Subject.create((receivers) => ({
    receivers,
    processors,
    exporters: { [output]: exporter(output, sink, delivery) },
    extensions: { file_storage: { directory: disk.folder } },
    service: { telemetry: NO_TELEMETRY, extensions: ["file_storage"], pipelines: { [SIGNAL]: pipeline } },
  }));
  await subject.start();
  let rss = 0;
  const watch = setInterval(() => {
    rss = Math.max(rss, subject.rss ?? 0);
  }, 100);
  const clients = new Clients(ledger, subject, overload.requestBytes);
  const peak = await clients.closed(LANES, Math.min(10, seconds / 2) * 1000);
  const { accepted, offered } = await clients.open(peak * FACTOR, seconds * 1000);
  clearInterval(watch);
  clients.close();
  await drained(ledger, sink);
  const { code } = await subject.terminate();
  await sink.told();
  const problems = [...clients.problems.slice(0, 5), ...ledger.problems()];
  if (code !== 0) problems.push(`the collector ended with ${code}: ${subject.lastWords.at(-1)}`);
  if (rss > limitMib * MIB) problems.push(`${Math.round(rss / MIB)} MiB of memory, more than ${limitMib}`);
  const share = accepted / peak;
  return {
    overload,
    seed,
    peak,
    accepted,
    offered,
    share,
    rssMib: Math.round(rss / MIB),
    ledger: ledger.totals,
    problems,
  };
}

/** Until what was acknowledged, and is on disk, has come. */
async function drained(ledger: Ledger, sink: SlowSink): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    await sink.told();
    if (ledger.lost().next().done || performance.now() > deadline) return;
    await pause(TICK_MS);
  }
}

/** What is a matter of time, and therefore of the machine as well. */
export function slowness({ overload, share }: Overloaded): string[] {
  return overload.holdMs > 0 && share < LEAST_SHARE
    ? [`accepted data fell to ${Math.round(share * 100)} % of the peak`]
    : [];
}

export function overloadLine({
  overload,
  seed,
  peak,
  accepted,
  offered,
  share,
  rssMib,
  ledger,
  problems,
}: Overloaded): string {
  const told = [...ledger.outcomes].map(([what, count]) => `${what} ×${count}`).join(", ");
  return [
    `${overload.name}: ${overload.what} (--only ${overload.name} --seed ${seed})`,
    `  peak ${Math.round(peak)}/s; offered ${Math.round(offered)}/s, accepted ${Math.round(accepted)}/s: ${Math.round(share * 100)} % of the peak`,
    `  memory ${rssMib} MiB, limit ${overload.limitMib} MiB; acknowledged ${ledger.acknowledged}, lost ${ledger.lost} items; not acknowledged: ${told || "none"}`,
    ...problems.map((problem) => `  WRONG: ${problem}`),
    "",
  ].join("\n");
}

class Clients {
  readonly #ledger: Ledger;
  readonly #senders: readonly Sender[];
  readonly #requests: Requests;
  readonly problems: string[] = [];

  constructor(ledger: Ledger, subject: Subject, requestBytes: number) {
    this.#ledger = ledger;
    this.#requests = new Requests(SIGNAL, requestBytes);
    this.#senders = [httpSender(subject, { connections: UNANSWERED }), grpcSender(subject)];
  }

  /** Each of the lanes waits for its answer. @returns acknowledgements in a second */
  async closed(lanes: number, milliseconds: number): Promise<number> {
    // The first third is for connections, and for code that is not compiled yet.
    const counts = { warm: 0, all: 0 };
    const begun = performance.now();
    const passed = (): number => performance.now() - begun;
    await Promise.all(
      Array.from({ length: lanes }, async (_, lane) => {
        while (passed() < milliseconds) {
          if (!(await this.#send(lane))) await pause(TICK_MS);
          else if (passed() < milliseconds) {
            counts.all++;
            if (passed() > milliseconds / 3) counts.warm++;
          }
        }
      }),
    );
    return (counts.warm * 1000) / ((milliseconds * 2) / 3);
  }

  /** At a rate, whatever comes of it. */
  async open(rate: number, milliseconds: number): Promise<{ readonly accepted: number; readonly offered: number }> {
    const begun = performance.now();
    const unanswered = new Set<Promise<unknown>>();
    let [sent, accepted] = [0, 0];
    for (let passed = 0; passed < milliseconds; passed = performance.now() - begun) {
      for (; sent < (passed * rate) / 1000 && unanswered.size < UNANSWERED; sent++) {
        const outcome = this.#send(sent).then((acknowledged) => {
          unanswered.delete(outcome);
          if (acknowledged && performance.now() - begun < milliseconds) accepted++;
        });
        unanswered.add(outcome);
      }
      await pause(TICK_MS);
    }
    await Promise.all(unanswered);
    return { accepted: (accepted * 1000) / milliseconds, offered: (sent * 1000) / milliseconds };
  }

  close(): void {
    for (const sender of this.#senders) sender.close();
  }

  async #send(turn: number): Promise<boolean> {
    const attempt = this.#requests.attempt(this.#ledger.next(SIGNAL), 0);
    this.#ledger.sent(attempt);
    const outcome = await this.#senders[turn % this.#senders.length]!.send(SIGNAL, attempt.bytes);
    if (outcome.kind === "acknowledged") {
      this.#ledger.acknowledged(attempt);
      return true;
    }
    this.#ledger.notAcknowledged(attempt, outcome);
    if (outcome.kind === "unanswered" || !outcome.retryable) this.problems.push(JSON.stringify(outcome));
    return false;
  }
}
