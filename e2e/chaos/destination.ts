/** Where the collectors under test export to: a sink that answers badly, behind a relay on which things go wrong, and what it has got. */
import { setTimeout as pause } from "node:timers/promises";
import type { Output } from "../collector.ts";
import { SIGNALS, type Signal } from "../proto.ts";
import type { Random } from "../random.ts";
import { type Answer, accept, type Sink, type SinkRequest, startSink } from "../sink.ts";
import type { Ledger, Receipts } from "./ledger.ts";
import { type LineShares, Relay } from "./relay.ts";

/**
 * What a sink may answer, besides success:
 *
 * - `unavailable`, `throttled` (with a delay), `timeout`: try again.
 * - `bad`, `internal`: never again.
 * - `partial`: some of the items are not taken, and never will be.
 * - `mute`: nothing was taken, and no answer comes.
 * - `late`: it was taken, and the answer comes when nobody waits for it any more.
 */
type SinkFault = "unavailable" | "throttled" | "timeout" | "bad" | "internal" | "partial" | "mute" | "late";
export type SinkShares = Readonly<Partial<Record<SinkFault, number>>>;

const REJECTED = 3;
const fail = (code: number, httpStatus: number, retryAfterMs?: number): Answer => ({
  kind: "fail",
  code,
  httpStatus,
  message: `the sink says ${code}`,
  ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
});
const ANSWERS: Readonly<Record<SinkFault, Answer>> = {
  unavailable: fail(14, 503),
  throttled: fail(8, 429, 50),
  timeout: fail(4, 504),
  bad: fail(3, 400),
  internal: fail(13, 500),
  partial: { kind: "partial", rejected: REJECTED, message: "some are too old" },
  mute: fail(14, 503),
  late: accept,
};
const FOR_GOOD: readonly (SinkFault | undefined)[] = ["bad", "internal"];
const SILENT: readonly (SinkFault | undefined)[] = ["mute", "late"];

export class Destination implements AsyncDisposable {
  readonly #sink: Sink;
  readonly #random: Random;
  readonly #receipts: Readonly<Record<Output, Receipts>> | Readonly<Partial<Record<Output, Receipts>>>;
  readonly #relays: Readonly<Record<Output, Relay>>;
  readonly #heard = new WeakMap<SinkRequest, (heard: boolean) => void>();
  readonly #silenceMs: number;
  shares: SinkShares = {};
  /** How long each request is held before it is answered, in milliseconds. */
  delayMs = 0;
  /** How often each fault happened. */
  readonly faults: Map<string, number> = new Map();

  /** @param silenceMs longer than the collector waits for an answer */
  static async start(
    ledger: Ledger,
    outputs: readonly Output[],
    random: Random,
    { silenceMs, signals = SIGNALS }: { readonly silenceMs: number; readonly signals?: readonly Signal[] },
  ): Promise<Destination> {
    const sink = await startSink();
    const destination = new Destination(ledger, outputs, random, sink, silenceMs, signals);
    await destination.appear();
    return destination;
  }

  constructor(
    ledger: Ledger,
    outputs: readonly Output[],
    random: Random,
    sink: Sink,
    silenceMs: number,
    signals: readonly Signal[],
  ) {
    this.#sink = sink;
    this.#random = random;
    this.#silenceMs = silenceMs;
    this.#receipts = Object.fromEntries(outputs.map((output) => [output, ledger.sink(signals)]));
    this.#relays = {
      otlp_grpc: new Relay(sink.grpcUrl, random, true),
      otlp_http: new Relay(sink.httpUrl, random, false),
    };
    sink.keep = false;
    sink.respond = (request) => this.#respond(request);
    sink.settled = (request, heard) => this.#heard.get(request)?.(heard);
  }

  get grpcUrl(): string {
    return this.#relays.otlp_grpc.url;
  }

  get httpUrl(): string {
    return this.#relays.otlp_http.url;
  }

  set lineShares(shares: LineShares) {
    for (const relay of Object.values(this.#relays)) relay.shares = shares;
  }

  get lineFaults(): Map<string, number> {
    const all = new Map<string, number>();
    for (const { faults } of Object.values(this.#relays))
      for (const [what, times] of faults) all.set(what, (all.get(what) ?? 0) + times);
    return all;
  }

  /** Why connections of the collector are about to end. */
  mark(why: string): void {
    for (const relay of Object.values(this.#relays)) relay.mark(why);
  }

  async disappear(): Promise<void> {
    await Promise.all(Object.values(this.#relays).map((relay) => relay.close("the destination went away")));
  }

  async appear(): Promise<void> {
    await Promise.all(Object.values(this.#relays).map((relay) => relay.open()));
  }

  /** From now on everything is well, on new connections. */
  async heal(): Promise<void> {
    this.shares = {};
    this.lineShares = {};
    await this.disappear();
    await this.appear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.disappear();
    await this.#sink.close();
  }

  async #respond(request: SinkRequest): Promise<Answer> {
    const { signal, message, protocol, peer } = request;
    const output = protocol === "grpc" ? "otlp_grpc" : "otlp_http";
    const receipts = this.#receipts[output]!;
    const fault = this.#random.of(this.shares);
    if (fault !== undefined) this.faults.set(fault, (this.faults.get(fault) ?? 0) + 1);
    if (this.delayMs > 0) await pause(this.delayMs);
    const answer = fault === undefined ? accept : ANSWERS[fault];
    if (FOR_GOOD.includes(fault)) receipts.turnedAway(signal, message);
    else if (answer.kind !== "fail") {
      const line = this.#relays[output].line(peer);
      this.#heard.set(request, receipts.took(signal, message, line, answer.kind === "partial" ? REJECTED : 0));
    }
    if (SILENT.includes(fault)) await pause(this.#silenceMs);
    return answer;
  }
}
