/**
 * The books of a scenario: for each request what its sender was told, for each item how often it came to each sink and on which way. What is known of an item is
 * a few bytes in arrays, so that minutes of load are a few megabytes.
 */
import type { Plain, Signal } from "../proto.ts";
import { type Attempt, ITEMS, idsIn, MAX_ATTEMPTS } from "../requests.ts";
import type { NotAcknowledged } from "../senders.ts";
import { Bytes, Words } from "./arrays.ts";
import type { Line } from "./relay.ts";

const SENT = 1;
const ACKNOWLEDGED = 2;
const REFUSED_FOR_GOOD = 4;

/** A request as it came to a sink, which has taken it. */
interface Arrival {
  readonly at: number;
  readonly line: Line | undefined;
  /** Undefined as long as the sink has not answered. */
  heard: boolean | undefined;
}

/** An item that came again: by which attempt and in which request before, and now. */
interface Repetition {
  readonly request: number;
  readonly before: { readonly attempt: number; readonly arrival: number };
  readonly now: { readonly attempt: number; readonly arrival: number };
}

/** What one sink has got. */
export class Receipts {
  readonly #ledger: Ledger;
  readonly #times = new Bytes();
  readonly #rejected = new Bytes();
  /** Of the last time that each item came. */
  readonly #attempts = new Bytes();
  readonly #lastArrivals = new Words();
  readonly #arrivals: Arrival[] = [];
  readonly #repetitions: Repetition[] = [];
  items = 0;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /**
   * The sink has taken a request.
   *
   * @param rejected so many items at its beginning it has not taken (partial success)
   * @returns hears whether there was anybody to be told so
   */
  took(signal: Signal, message: Plain, line: Line | undefined, rejected: number = 0): (heard: boolean) => void {
    const arrival: Arrival = { at: performance.now(), line, heard: undefined };
    const number = this.#arrivals.push(arrival) - 1;
    for (const [index, item] of this.#items(signal, message)) {
      if (index < rejected) this.#rejected.set(item.number, 1);
      else this.#receive(item, number);
    }
    return (heard) => {
      arrival.heard = heard;
    };
  }

  /** The sink has refused a request for good: nobody has to send it again. */
  turnedAway(signal: Signal, message: Plain): void {
    for (const [, { number }] of this.#items(signal, message)) this.#rejected.set(number, 1);
  }

  times(item: number): number {
    return this.#times.get(item);
  }

  isRejected(item: number): boolean {
    return this.#rejected.get(item) === 1;
  }

  /** Items that came more than once, by the cause of each time after the first. */
  duplicates(): Map<string, number> {
    const causes = new Map<string, number>();
    for (const repetition of this.#repetitions) {
      const cause = this.#causeOf(repetition);
      causes.set(cause, (causes.get(cause) ?? 0) + 1);
    }
    return causes;
  }

  #causeOf({ request, before, now }: Repetition): string {
    if (before.attempt !== now.attempt) {
      // Whichever came first here: the sender had a reason to try again after the earlier of the two.
      const why = this.#ledger.outcomeOf(request, Math.min(before.attempt, now.attempt));
      return why === undefined ? UNEXPLAINED : `sent again by the client: ${why}`;
    }
    const [first, second] = [this.#arrivals[before.arrival]!, this.#arrivals[now.arrival]!];
    if (first.line?.cut !== undefined) return `sent again by the collector: ${first.line.cut}`;
    // Clients keep their connections: one that ends just then has ended because the time was up when the answer came.
    const closed = (first.line?.ended ?? Number.POSITIVE_INFINITY) - first.at < JUST_THEN_MS;
    const reset = first.line?.givenUp.some((at) => at > first.at && at < second.at) ?? false;
    if (first.heard !== true || closed || reset) return "sent again by the collector: it had given up waiting";
    const killed = this.#ledger.kills.some((at) => at > first.at && at < second.at);
    return killed ? "sent again after kill -9: it was in flight" : UNEXPLAINED;
  }

  *#items(signal: Signal, message: Plain): Generator<[number, { number: number; request: number; attempt: number }]> {
    for (const [position, id] of idsIn(signal, message).entries()) {
      if (id === undefined || !this.#ledger.knows(id.request) || id.index >= ITEMS || id.index < 0)
        this.#ledger.malformed.push(`${signal}: an item that nobody sent: ${JSON.stringify(id)}`);
      else yield [position, { number: id.request * ITEMS + id.index, request: id.request, attempt: id.attempt }];
    }
  }

  #receive({ number, request, attempt }: { number: number; request: number; attempt: number }, arrival: number): void {
    this.items++;
    const times = this.#times.get(number);
    if (times > 0) {
      const before = { attempt: this.#attempts.get(number), arrival: this.#lastArrivals.get(number) };
      this.#repetitions.push({ request, before, now: { attempt, arrival } });
    }
    this.#times.set(number, Math.min(255, times + 1));
    this.#attempts.set(number, attempt);
    this.#lastArrivals.set(number, arrival);
  }
}

const JUST_THEN_MS = 1000;
const UNEXPLAINED = "UNEXPLAINED";

export interface LedgerTotals {
  /** Requests, each of so many items as `ITEMS` says. */
  readonly requests: number;
  readonly attempts: number;
  readonly acknowledged: number;
  /** Requests that were refused for good, and such that nobody was told anything about to the end. */
  readonly refusedForGood: number;
  readonly open: number;
  /** Items. */
  readonly received: number;
  readonly lost: number;
  readonly turnedAway: number;
  readonly duplicates: number;
  readonly unexplained: number;
  /** Attempts by what came of them, if it was not an acknowledgement. */
  readonly outcomes: ReadonlyMap<string, number>;
  readonly causes: ReadonlyMap<string, number>;
}

export class Ledger {
  readonly #states = new Bytes();
  /** Of attempts that were not acknowledged. */
  readonly #outcomes = new Map<number, string>();
  readonly #signals = new Bytes();
  readonly #sinks: { readonly receipts: Receipts; readonly signals: readonly Signal[] }[] = [];
  #requests = 0;
  #attempts = 0;
  readonly malformed: string[] = [];
  /** When the collector was killed, as `performance.now()` has it. */
  readonly kills: number[] = [];

  /** @param signals what this sink is to get */
  sink(signals: readonly Signal[]): Receipts {
    const receipts = new Receipts(this);
    this.#sinks.push({ receipts, signals });
    return receipts;
  }

  /** @returns the number of the next request */
  next(signal: Signal): number {
    this.#signals.set(this.#requests, SIGNAL_NUMBERS[signal]);
    return this.#requests++;
  }

  knows(request: number): boolean {
    return (this.#states.get(request) & SENT) !== 0;
  }

  sent({ request }: Attempt): void {
    this.#attempts++;
    this.#states.set(request, this.#states.get(request) | SENT);
  }

  acknowledged({ request }: Attempt): void {
    this.#states.set(request, this.#states.get(request) | ACKNOWLEDGED);
  }

  notAcknowledged({ request, key }: Attempt, outcome: NotAcknowledged): void {
    this.#outcomes.set(key, outcome.kind === "refused" ? outcome.code : outcome.why);
    if (outcome.kind === "refused" && !outcome.retryable)
      this.#states.set(request, this.#states.get(request) | REFUSED_FOR_GOOD);
  }

  outcomeOf(request: number, attempt: number): string | undefined {
    return this.#outcomes.get(request * MAX_ATTEMPTS + attempt);
  }

  /** Items that were acknowledged, and are neither at every sink that was to get them nor refused for good there. */
  *lost(): Generator<{ readonly request: number; readonly index: number }> {
    for (let request = 0; request < this.#requests; request++) {
      if ((this.#states.get(request) & ACKNOWLEDGED) === 0) continue;
      for (let index = 0; index < ITEMS; index++) {
        const item = request * ITEMS + index;
        const missing = this.#sinksOf(request).some((sink) => sink.times(item) === 0 && !sink.isRejected(item));
        if (missing) yield { request, index };
      }
    }
  }

  get totals(): LedgerTotals {
    const count = (mask: number, value: number): number => {
      let found = 0;
      for (let request = 0; request < this.#requests; request++)
        if ((this.#states.get(request) & mask) === value) found++;
      return found;
    };
    let [lost, turnedAway, received] = [0, 0, 0];
    for (const _ of this.lost()) lost++;
    for (let request = 0; request < this.#requests; request++)
      for (const sink of this.#sinksOf(request))
        for (let item = request * ITEMS; item < (request + 1) * ITEMS; item++) {
          if (sink.times(item) > 0) received++;
          else if (sink.isRejected(item)) turnedAway++;
        }
    const outcomes = new Map<string, number>();
    for (const outcome of this.#outcomes.values()) outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    const causes = new Map<string, number>();
    for (const { receipts } of this.#sinks)
      for (const [cause, times] of receipts.duplicates()) causes.set(cause, (causes.get(cause) ?? 0) + times);
    return {
      requests: this.#requests,
      attempts: this.#attempts,
      acknowledged: count(ACKNOWLEDGED, ACKNOWLEDGED),
      refusedForGood: count(ACKNOWLEDGED | REFUSED_FOR_GOOD, REFUSED_FOR_GOOD),
      open: count(ACKNOWLEDGED | REFUSED_FOR_GOOD | SENT, SENT),
      received,
      lost,
      turnedAway,
      duplicates: [...causes.values()].reduce((sum, times) => sum + times, 0),
      unexplained: causes.get(UNEXPLAINED) ?? 0,
      outcomes,
      causes,
    };
  }

  /** Where the books do not agree, in words. */
  problems(): string[] {
    const { lost, unexplained } = this.totals;
    const found = [
      lost > 0 ? `${lost} items were acknowledged, and are not where they should be` : undefined,
      unexplained > 0 ? `${unexplained} items came again, and nobody knows why` : undefined,
      this.malformed.length > 0 ? `${this.malformed.length} malformed items: ${this.malformed[0]}` : undefined,
    ];
    return found.filter((problem) => problem !== undefined);
  }

  #sinksOf(request: number): Receipts[] {
    const signal = this.#signals.get(request);
    return this.#sinks
      .filter(({ signals }) => signals.some((name) => SIGNAL_NUMBERS[name] === signal))
      .map(({ receipts }) => receipts);
  }
}

const SIGNAL_NUMBERS: Readonly<Record<Signal, number>> = { traces: 0, metrics: 1, logs: 2 };
