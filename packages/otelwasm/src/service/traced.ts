import type { Capabilities, Consumer } from "../component/component.ts";
import type { Batch, Signal } from "../telemetry/batch.ts";
import { itemsOf } from "../telemetry/count.ts";

interface TracedPlace {
  readonly kind: "processor" | "exporter" | "connector";
  readonly id: string;
  readonly signal: Signal;
}

/** In front of a component: a batch that is traced has a span for its time in it, and in what the component hands it to. */
class TracedConsumer implements Consumer {
  readonly #next: Consumer;
  readonly #place: TracedPlace;

  constructor(next: Consumer, place: TracedPlace) {
    this.#next = next;
    this.#place = place;
  }

  get capabilities(): Capabilities {
    return this.#next.capabilities;
  }

  consume(batch: Batch): Promise<void> {
    return batch.span === undefined ? this.#next.consume(batch) : this.#traced(batch, batch.span);
  }

  async #traced(batch: Batch, parent: NonNullable<Batch["span"]>): Promise<void> {
    const { kind, id, signal } = this.#place;
    const items = itemsOf(batch);
    const span = parent.child(`${kind}/${id}/${signal}`);
    const exports = kind === "exporter";
    span.set({ [kind]: id, data_type: signal });
    try {
      await this.#next.consume({ ...batch, span });
    } catch (error) {
      span.set(exports ? { "items.sent": 0, "items.failed": items } : { items });
      span.end(error);
      throw error;
    }
    span.set(exports ? { "items.sent": items, "items.failed": 0 } : { items });
    span.end();
  }
}

/** @param traces whether there are own traces; without them nothing stands in between */
export function traced(traces: boolean, place: TracedPlace, consumer: Consumer): Consumer {
  return traces ? new TracedConsumer(consumer, place) : consumer;
}
