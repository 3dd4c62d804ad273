/**
 * Requests that are malformed in every way that this folder knows, generated from a seed: each must get a status that says so (or be taken, if it is valid all the same), well-formed ones between them must succeed, and afterwards nothing may be left of them in the
 * collector: memory, handles, connections.
 */
import { readdirSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import type { Target } from "../clients.ts";
import { anyPort } from "../collector.ts";
import type { ProcessFigures } from "../collector-main.ts";
import { CollectorProcess } from "../collector-process.ts";
import { SIGNALS } from "../proto.ts";
import { Random } from "../random.ts";
import { Requests } from "../requests.ts";
import { grpcSender, httpSender } from "../senders.ts";
import { FRAMES, GRPC, sendCall, sendFrames } from "./grpc.ts";
import { HTTP, sendRaw } from "./http.ts";

export interface MalformedResult {
  readonly requests: number;
  readonly healthy: number;
  /** By mutation, what came of it and how often. */
  readonly outcomes: ReadonlyMap<string, ReadonlyMap<string, number>>;
  readonly afterWarmUp: Resources;
  readonly atEnd: Resources;
  readonly problems: readonly string[];
}

interface Resources extends ProcessFigures {
  /** Open files and sockets; 0 where the system does not say. */
  readonly handles: number;
}

interface Trial {
  readonly name: string;
  readonly allowed: readonly string[];
  send(target: Target, random: Random): Promise<string>;
}

/** All that there are; each protocol's as often as it has some. */
const TRIALS: readonly Trial[] = [
  ...HTTP.map((each) => ({ ...each, send: (to: Target, random: Random) => sendRaw(to.httpUrl, each.make(random)) })),
  ...GRPC.map((each) => ({ ...each, send: (to: Target, random: Random) => sendCall(to.grpcUrl, each.make(random)) })),
  ...FRAMES.map((each) => ({
    ...each,
    send: (to: Target, random: Random) => sendFrames(to.grpcUrl, each.make(random)),
  })),
];

const LANES = 8;
/** One in so many is well-formed. */
const HEALTHY = 20;
const MIB = 1024 * 1024;
/** What differs between two moments whatever was done, see `soak.ts`. */
const TOLERANCE = { heap: 4 * MIB, buffers: 2 * MIB, rss: 160 * MIB, handles: 2 } as const;
const SETTLE_MS = 15_000;

export async function malformed(requests: number, seed: number): Promise<MalformedResult> {
  await using collector = await CollectorProcess.start({
    receivers: { otlp: anyPort },
    exporters: { nop: null },
    service: {
      pipelines: Object.fromEntries(SIGNALS.map((signal) => [signal, { receivers: ["otlp"], exporters: ["nop"] }])),
    },
  });
  const target = await collector.target();
  const healthy = new Healthy(target);
  const outcomes = new Map<string, Map<string, number>>();
  const problems: string[] = [];
  const random = new Random(seed);
  let number = 0;

  const lane = async (end: number): Promise<void> => {
    while (number < end) {
      const trial = TRIALS[number++ % TRIALS.length]!;
      // Of its own, so that what is sent does not depend on the order in which answers come.
      const outcome = await trial.send(target, random.fork());
      const counts = outcomes.get(trial.name) ?? new Map<string, number>();
      counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
      outcomes.set(trial.name, counts);
      if (number % HEALTHY === 0) await healthy.send();
    }
  };
  const send = (end: number): Promise<unknown> => Promise.all(Array.from({ length: LANES }, () => lane(end)));
  await send(Math.floor(requests / 5));
  const afterWarmUp = await resources(collector);
  await send(requests);
  // Connections that were cut are closed when their end has been read.
  let atEnd = await resources(collector);
  for (
    const until = performance.now() + SETTLE_MS;
    atEnd.handles > afterWarmUp.handles && performance.now() < until;
  ) {
    await pause(200);
    atEnd = await resources(collector);
  }
  healthy.close();
  const { error } = await collector.shutdown();
  if (error !== undefined) problems.push(`the collector's shutdown: ${error}`);
  for (const { name, allowed } of TRIALS)
    for (const [outcome, count] of outcomes.get(name) ?? [])
      if (!allowed.includes(outcome))
        problems.push(`${name}: ${outcome} (${count}), which is not ${allowed.join(" or ")}`);
  problems.push(...healthy.problems.slice(0, 5));
  for (const what of ["heap", "buffers", "rss", "handles"] as const) {
    const more = atEnd[what] - afterWarmUp[what];
    if (more > TOLERANCE[what]) problems.push(`${what} grew by ${more}, from ${afterWarmUp[what]}`);
  }
  return { requests, healthy: healthy.answered, outcomes, afterWarmUp, atEnd, problems };
}

async function resources(collector: CollectorProcess): Promise<Resources> {
  const figures = await collector.measure();
  try {
    return { ...figures, handles: readdirSync(`/proc/${collector.pid}/fd`).length };
  } catch {
    return { ...figures, handles: 0 };
  }
}

/** Over both protocols, on connections that stay. */
class Healthy {
  readonly #senders: readonly ReturnType<typeof httpSender>[];
  readonly #requests = new Requests("logs");
  readonly problems: string[] = [];
  answered = 0;

  constructor(target: Target) {
    this.#senders = [httpSender(target), grpcSender(target)];
  }

  async send(): Promise<void> {
    for (const sender of this.#senders) {
      const outcome = await sender.send("logs", this.#requests.attempt(this.answered, 0).bytes);
      if (outcome.kind === "acknowledged") this.answered++;
      else this.problems.push(`a well-formed request: ${JSON.stringify(outcome)}`);
    }
  }

  close(): void {
    for (const sender of this.#senders) sender.close();
  }
}
