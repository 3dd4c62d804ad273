import { type Arrivals, createArrivals } from "../../component/arrivals.ts";
import type { Consumer } from "../../component/component.ts";
import { ConsumerError, StatusCode } from "../../component/errors.ts";
import type { ComponentSettings } from "../../component/factory.ts";
import type { Logger } from "../../component/logger.ts";
import { Throttle } from "../../component/throttle.ts";
import type { Signal } from "../../telemetry/batch.ts";
import { checkedBatch } from "../../telemetry/validate.ts";

/** How a batch came, as own metrics name it. */
export type Transport = "grpc" | "http";

/** Where the outcome of a delivery goes; exactly one of the two is called, once. */
export interface Reply {
  delivered(): void;
  refused(error: unknown): void;
}

interface Entry {
  readonly consumer: Consumer;
  readonly logger: Logger;
  readonly failures: Throttle;
  readonly arrivals: Readonly<Partial<Record<Transport, Arrivals | undefined>>>;
  open: boolean;
  inFlight: number;
  /** Set while somebody waits until nothing is in flight. */
  drained: (() => void) | undefined;
}

/** What both protocols do with a body once they have it: check it, hand it on, and count what is not answered yet. */
export class Intake {
  readonly #entries: Map<Signal, Entry> = new Map();
  readonly #transports: readonly Transport[];

  /** @param transports those that there are */
  constructor(transports: readonly Transport[]) {
    this.#transports = transports;
  }

  /** @param settings its logger hears of what the pipeline did not take: senders are told, but whoever runs the collector would not know */
  register(settings: ComponentSettings, consumer: Consumer): void {
    const { signal, logger } = settings;
    const arrivals = Object.fromEntries(
      this.#transports.map((transport) => [transport, createArrivals(settings, transport)]),
    );
    const failures = new Throttle();
    this.#entries.set(signal, { consumer, logger, failures, arrivals, open: false, inFlight: 0, drained: undefined });
  }

  /** Whether a pipeline takes this signal: without one, the protocols have no such path or method. */
  serves(signal: Signal): boolean {
    return this.#entries.has(signal);
  }

  openAll(): void {
    for (const signal of this.#entries.keys()) this.open(signal);
  }

  open(signal: Signal): void {
    const entry = this.#entries.get(signal);
    if (entry !== undefined) entry.open = true;
  }

  /** Refuses the signal from now on; resolves when everything that was handed on is answered. */
  async close(signal: Signal): Promise<void> {
    const entry = this.#entries.get(signal);
    if (entry === undefined) return;
    entry.open = false;
    if (entry.inFlight === 0) return;
    await new Promise<void>((resolve) => {
      entry.drained = resolve;
    });
  }

  /**
   * @param bytes a whole payload, in a buffer of its own, which is given away
   * @param reply hears when the pipeline has taken responsibility, or that it did not
   */
  deliver(signal: Signal, bytes: Uint8Array, transport: Transport, reply: Reply): void {
    const entry = this.#entries.get(signal);
    if (entry === undefined || !entry.open) {
      const message = `the receiver takes no ${signal} now: it is starting or shutting down`;
      reply.refused(ConsumerError.retryable(message));
      return;
    }
    if (bytes.length === 0) {
      reply.delivered();
      return;
    }
    const checked = checkedBatch(signal, bytes);
    if (typeof checked === "string") {
      reply.refused(ConsumerError.permanent(checked, { code: StatusCode.INVALID_ARGUMENT }));
      return;
    }
    const arrivals = entry.arrivals[transport];
    const batch = arrivals === undefined ? checked : arrivals.begin(checked);
    let taken: Promise<void>;
    try {
      taken = entry.consumer.consume(batch);
    } catch (error) {
      arrivals?.failed(batch, error);
      report(entry, error);
      reply.refused(error);
      return;
    }
    entry.inFlight++;
    taken.then(
      () => {
        arrivals?.accepted(batch);
        reply.delivered();
        leave(entry);
      },
      (error: unknown) => {
        arrivals?.failed(batch, error);
        report(entry, error);
        reply.refused(error);
        leave(entry);
      },
    );
  }
}

function leave(entry: Entry): void {
  if (--entry.inFlight === 0) entry.drained?.();
}

function report({ logger, failures }: Entry, reason: unknown): void {
  const error = ConsumerError.from(reason);
  const batches = failures.count(`${error.permanent} ${error.code}`);
  if (batches > 0)
    logger.error(`Not delivered, and the sender was told so: ${error.message}`, {
      permanent: error.permanent,
      batches,
    });
}
