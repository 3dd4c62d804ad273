import type { LogAttributes, Logger } from "../component/logger.ts";
import type { Histogram } from "../component/measuring.ts";
import type { Signal } from "../telemetry/batch.ts";
import { PluginError } from "./errors.ts";
import { LimitedLogger } from "./log-limit.ts";
import type { OnFailure, PluginQueue, PluginState, PluginStats } from "./options.ts";
import type { Call, Place, PlaceOwner } from "./place.ts";
import { Slot, type SlotOptions } from "./slot.ts";

/**
 * Calls that an instance has at a time, the one that runs included. More make a message to another thread cheaper for each; but what is there when an
 * instance has to be stopped is given up with it.
 */
const WINDOW = 32;

export interface PoolOptions extends Omit<SlotOptions, "changed" | "failed"> {
  readonly logger: Logger;
  readonly onFailure: OnFailure;
  readonly instances: number;
  /** Makes the place of one instance. */
  readonly place: (owner: PlaceOwner) => Place;
  readonly durations: Histogram | undefined;
  readonly onState: (state: PluginState, reason?: string) => void;
  /** Told whenever the state of an instance may have changed. */
  readonly onChange: () => void;
  /** Gets what a receiver's guest sets, and what lets it go on. */
  readonly onReceived: (bytes: Uint8Array, proceed: () => void) => void;
}

type MutableStats = { -readonly [K in keyof PluginStats]: PluginStats[K] };

/** The instances of a plugin, and the calls that wait for one of them. */
export class Pool {
  readonly slots: readonly Slot[];
  readonly stats: MutableStats = {
    calls: 0,
    errors: 0,
    traps: 0,
    deadlines: 0,
    restarts: 0,
    bytesIn: 0,
    bytesOut: 0,
    rejected: 0,
    passedThrough: 0,
    dropped: 0,
    refused: 0,
  };
  readonly #options: PoolOptions;
  /** Failing calls must not flood the log. */
  readonly #reports: Logger;
  #queue: Call[] = [];
  #state: PluginState = "working";
  #open = false;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#reports = new LimitedLogger(options.logger);
    this.slots = Array.from({ length: options.instances }, () => this.#createSlot());
  }

  get state(): PluginState {
    return this.#state;
  }

  get queue(): PluginQueue {
    let running = 0;
    let waiting = this.#queue.length;
    for (const { place } of this.slots) {
      if (place.load === 0) continue;
      running++;
      waiting += place.load - 1;
    }
    return { running, waiting };
  }

  get memoryBytes(): number | undefined {
    let total: number | undefined;
    for (const { place } of this.slots) {
      const { memoryBytes } = place;
      if (memoryBytes !== undefined) total = (total ?? 0) + memoryBytes;
    }
    return total;
  }

  /** Of all places. */
  get footprint(): number {
    return this.slots.reduce((total, { place }) => total + place.footprint, 0);
  }

  /** `Call.began` of a call that is handed over now. */
  now(): number {
    return this.#options.durations === undefined ? 0 : performance.now();
  }

  /** @param began as `now` gave it */
  took(began: number): void {
    this.#options.durations?.record((performance.now() - began) / 1_000);
  }

  /** @returns what the plugin supports @throws PluginError */
  async open(): Promise<readonly Signal[]> {
    const [first, ...others] = this.slots;
    const signals = await first!.open();
    await Promise.all(others.map((slot) => slot.open()));
    return signals;
  }

  /** @throws PluginError */
  async start(): Promise<void> {
    await Promise.all(this.slots.map((slot) => slot.start()));
    this.#open = true;
  }

  /** Takes a batch to the instance with the least to do; answered in that instance's order. */
  add(call: Call): void {
    const slot = this.#queue.length === 0 ? this.#leastLoaded() : undefined;
    if (slot !== undefined) {
      slot.place.consume(call);
      return;
    }
    if (!this.#hopeful()) {
      this.#unavailable(call);
      return;
    }
    this.#queue.push(call);
  }

  /** What waits is refused; instances end what they have. @throws PluginError of the first guest whose `shutdown` failed */
  async stop(refuse: (call: Call) => PluginError): Promise<void> {
    this.#open = false;
    const queue = this.#queue;
    this.#queue = [];
    for (const call of queue) call.reject(refuse(call));
    const ends = await Promise.allSettled(this.slots.map((slot) => slot.stop()));
    const failed = ends.find((end) => end.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  }

  /** Writes down that the plugin failed. @returns the error */
  report<T>(error: T): T {
    if (error instanceof PluginError)
      this.#reports.error(`the plugin failed: ${error.message}`, {
        function: error.function,
        ...(error.status === undefined ? {} : { status: error.status }),
        ...(error.reason === "" ? {} : { reason: error.reason }),
      });
    return error;
  }

  /** A call that came back well. @param size of its batch, in bytes @param began as `now` gave it */
  count(size: number, began: number, results: readonly Uint8Array[] | undefined): void {
    const { stats } = this;
    this.took(began);
    stats.calls++;
    stats.bytesIn += size;
    if (results === undefined) stats.bytesOut += size;
    else for (const result of results) stats.bytesOut += result.length;
  }

  /** Of a receiver: what its thread has refused since this was asked the last time. */
  countRefused(): void {
    for (const { place } of this.slots) this.stats.refused += place.takeRefused();
  }

  #createSlot(): Slot {
    const owner: PlaceOwner = {
      answered: (call, results) => {
        slot.worked();
        this.count(call.size, call.began, results);
        call.resolve(results);
        if (this.#queue.length > 0) this.#drain();
      },
      failed: (call, error, broken) => {
        const { stats } = this;
        stats.calls++;
        stats.errors++;
        stats.bytesIn += call.size;
        this.took(call.began);
        this.report(error);
        if (broken) {
          this.#withoutResult(call, error);
          return;
        }
        slot.worked();
        call.reject(error);
        if (this.#queue.length > 0) this.#drain();
      },
      returned: (call) => this.#returned(call, slot),
      broke: (error, how) => {
        if (slot.state !== "working") return;
        if (how === "trapped") this.stats.traps++;
        if (how === "ran past its deadline") this.stats.deadlines++;
        slot.broke(error, how);
      },
      received: this.#options.onReceived,
    };
    const slot: Slot = new Slot(
      { ...this.#options, changed: () => this.#changed(), failed: (details) => this.#failedForGood(slot, details) },
      this.#options.place(owner),
    );
    return slot;
  }

  #failedForGood(slot: Slot, details: LogAttributes): void {
    const left = this.slots.filter((other) => other !== slot && other.state !== "failed").length;
    if (left > 0)
      this.#options.logger.error("an instance of the plugin has failed for good: it broke too often; others go on", {
        ...details,
        instances_left: left,
      });
    else
      this.#options.logger.error(
        "the plugin has failed for good: it broke too often; what it is given now is answered by on_failure",
        details,
      );
  }

  /** At the head of the queue again, in the old order. */
  #returned(call: Call, slot: Slot): void {
    if (!this.#hopeful()) {
      this.#unavailable(call);
      return;
    }
    this.#queue.splice(slot.returned++, 0, call);
    // Not while the slot is about to say that it broke: it would be handed the same call again.
    if (slot.state !== "working") this.#drain();
  }

  #leastLoaded(): Slot | undefined {
    let found: Slot | undefined;
    for (const slot of this.slots)
      if (slot.state === "working" && (found === undefined || slot.place.load < found.place.load)) found = slot;
    return found === undefined || found.place.load >= WINDOW ? undefined : found;
  }

  /** Whether what waits will be taken without a wait for a back-off. */
  #hopeful(): boolean {
    return this.#open && this.slots.some(({ state }) => state === "working" || state === "restarting");
  }

  #drain(): void {
    while (this.#queue.length > 0) {
      const slot = this.#leastLoaded();
      if (slot === undefined) return;
      slot.place.consume(this.#queue.shift()!);
    }
  }

  #changed(): void {
    this.stats.restarts = this.slots.reduce((sum, slot) => sum + slot.restarts, 0);
    this.#tell();
    this.#options.onChange();
    if (!this.#open) return;
    if (!this.#hopeful()) {
      const queue = this.#queue;
      this.#queue = [];
      for (const call of queue) this.#unavailable(call);
    }
    this.#drain();
  }

  #tell(): void {
    const states = this.slots.map(({ state }) => state);
    if (states.some((state) => state === "idle" || state === "closed")) return;
    const state = states.includes("working")
      ? "working"
      : states.every((each) => each === "failed")
        ? "failed"
        : "restarting";
    if (state === this.#state) return;
    this.#state = state;
    const reason = this.slots.find(({ failure }) => failure !== undefined)?.failure?.message;
    if (state === "working" || reason === undefined) this.#options.onState(state);
    else this.#options.onState(state, reason);
  }

  /** No instance works, and none will at once. */
  #unavailable(call: Call): void {
    const waiting = this.slots.filter(({ state }) => state === "waiting");
    const soonest = waiting.toSorted((a, b) => a.retryAfterMs - b.retryAfterMs)[0];
    const failure = (soonest ?? this.slots.find((slot) => slot.failure !== undefined))?.failure;
    const details = {
      componentId: this.#options.id,
      function: failure?.function ?? `consume_${call.signal}`,
      permanent: false,
    };
    const what = failure?.what ?? "there is no working instance";
    this.#withoutResult(
      call,
      soonest === undefined
        ? new PluginError(what, { ...details, ...(failure === undefined ? {} : { cause: failure }) })
        : new PluginError(`${what}; restarting in ${soonest.retryAfterMs} ms`, {
            ...details,
            retryAfterMs: soonest.retryAfterMs,
            cause: failure,
          }),
    );
  }

  /** A batch that no guest answers: what `on_failure` says. */
  #withoutResult(call: Call, error: PluginError): void {
    const { stats } = this;
    switch (this.#options.onFailure) {
      case "reject":
        stats.rejected++;
        call.reject(error);
        return;
      case "pass_through":
        stats.passedThrough++;
        call.resolve(call.kept ? undefined : [call.bytes]);
        return;
      case "drop":
        stats.dropped++;
        this.#reports.warn("a batch is dropped, as on_failure says: the plugin is broken", {
          signal: call.signal,
          bytes: call.size,
          error: error.message,
        });
        call.resolve([]);
        return;
    }
  }
}
