import type { Capabilities, Consumer } from "../component/component.ts";
import type { Count, Instrument, Measuring } from "../component/measuring.ts";
import type { Batch, Signal } from "../telemetry/batch.ts";
import { itemsOf } from "../telemetry/count.ts";

const INCOMING: Instrument = {
  name: "otelcol_processor_incoming_items",
  unit: "{items}",
  description: "Number of items passed to the processor.",
};
const OUTGOING: Instrument = {
  name: "otelcol_processor_outgoing_items",
  unit: "{items}",
  description: "Number of items emitted from the processor.",
};

/** Counts what goes by, before it is handed on: its buffer may be gone after that. */
class CountingConsumer implements Consumer {
  readonly #next: Consumer;
  readonly #counts: readonly Count[];

  constructor(next: Consumer, counts: readonly Count[]) {
    this.#next = next;
    this.#counts = counts;
  }

  get capabilities(): Capabilities {
    return this.#next.capabilities;
  }

  consume(batch: Batch): Promise<void> {
    const items = itemsOf(batch);
    for (const count of this.#counts) count.value += items;
    return this.#next.consume(batch);
  }

  /** One for two that would follow each other. */
  also(count: Count): CountingConsumer {
    return new CountingConsumer(this.#next, [...this.#counts, count]);
  }
}

/** In front of a processor: what it is given. @param measuring undefined: nothing is counted, and nothing stands in between */
export function countIncoming(
  measuring: Measuring | undefined,
  place: { readonly id: string; readonly signal: Signal },
  processor: Consumer,
): Consumer {
  return measuring === undefined ? processor : counting(processor, measuring.counter(INCOMING, attributesOf(place)));
}

/** Behind a processor: what it hands on. */
export function countOutgoing(
  measuring: Measuring | undefined,
  place: { readonly id: string; readonly signal: Signal },
  next: Consumer,
): Consumer {
  return measuring === undefined ? next : counting(next, measuring.counter(OUTGOING, attributesOf(place)));
}

function counting(next: Consumer, count: Count): Consumer {
  return next instanceof CountingConsumer ? next.also(count) : new CountingConsumer(next, [count]);
}

/** The Collector's. Instances of one processor in several pipelines are one series. */
function attributesOf({ id, signal }: { readonly id: string; readonly signal: Signal }) {
  return { processor: id, "otel.signal": signal };
}
