/** Clients that send and send again, as OTLP asks of them, until each request is acknowledged or refused for good. */
import { setTimeout as pause } from "node:timers/promises";
import type { Target } from "../clients.ts";
import { SIGNALS, type Signal } from "../proto.ts";
import type { Random } from "../random.ts";
import { MAX_ATTEMPTS, requestsOf } from "../requests.ts";
import { grpcSender, httpSender, type Sender } from "../senders.ts";
import type { Ledger } from "./ledger.ts";

export interface LoadOptions {
  /** Requests in flight: half of them over gRPC, half over HTTP; of each half, every second compressed. */
  readonly lanes: number;
  /** What each lane sends in turn. Default all. */
  readonly signals?: readonly Signal[];
  /** Milliseconds between two requests of a lane, at most. */
  readonly thinkMs?: number;
}

const BACKOFF_MS = { first: 10, most: 500 } as const;

export class Load implements AsyncDisposable {
  readonly #ledger: Ledger;
  readonly #random: Random;
  readonly #signals: readonly Signal[];
  readonly #thinkMs: number;
  readonly #senders: readonly Sender[];
  readonly #requests: ReturnType<typeof requestsOf>;
  readonly #running: Promise<unknown>;
  /** Requests that have an end, and who waits for more of them. */
  #settled = 0;
  #enough: { readonly count: number; readonly resolve: () => void } | undefined;
  #stopped = false;
  #givenUp = false;

  /** Begins at once. */
  constructor(ledger: Ledger, target: Target, random: Random, { lanes, signals = SIGNALS, thinkMs = 4 }: LoadOptions) {
    this.#ledger = ledger;
    this.#random = random;
    this.#signals = signals;
    this.#thinkMs = thinkMs;
    this.#requests = requestsOf(signals);
    const options = [{ connections: lanes }, { connections: lanes, gzip: true }];
    this.#senders = options.flatMap((each) => [httpSender(target, each), grpcSender(target, each)]);
    this.#running = Promise.all(Array.from({ length: lanes }, (_, lane) => this.#lane(lane)));
  }

  /** Resolves when so many requests were acknowledged or refused for good. */
  settled(count: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#enough = { count, resolve };
    if (this.#settled >= count) resolve();
    return promise;
  }

  /** Begins no more requests. Resolves when the ones that were begun have an end, or time is up for them. */
  async stop(patienceMs: number): Promise<void> {
    this.#stopped = true;
    const timer = setTimeout(() => {
      this.#givenUp = true;
    }, patienceMs);
    await this.#running;
    clearTimeout(timer);
    for (const sender of this.#senders) sender.close();
  }

  /** At once, whatever is under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#givenUp = true;
    await this.stop(0);
  }

  async #lane(lane: number): Promise<void> {
    const sender = this.#senders[lane % this.#senders.length]!;
    for (let turn = lane; !this.#stopped; turn++) {
      await this.#deliver(this.#signals[turn % this.#signals.length]!, sender);
      if (++this.#settled >= (this.#enough?.count ?? Number.POSITIVE_INFINITY)) this.#enough?.resolve();
      await pause(this.#random.between(0, this.#thinkMs));
    }
  }

  async #deliver(signal: Signal, sender: Sender): Promise<void> {
    const request = this.#ledger.next(signal);
    for (let number = 0; number < MAX_ATTEMPTS && !this.#givenUp; number++) {
      const attempt = this.#requests.get(signal)!.attempt(request, number);
      this.#ledger.sent(attempt);
      const outcome = await sender.send(signal, attempt.bytes);
      if (outcome.kind === "acknowledged") {
        this.#ledger.acknowledged(attempt);
        return;
      }
      this.#ledger.notAcknowledged(attempt, outcome);
      if (outcome.kind === "refused" && !outcome.retryable) return;
      const most = Math.min(BACKOFF_MS.most, BACKOFF_MS.first * 2 ** number);
      await pause(this.#random.between(most >> 1, most));
    }
  }
}
