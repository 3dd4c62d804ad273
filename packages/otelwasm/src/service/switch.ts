import type { Capabilities, Consumer } from "../component/component.ts";
import type { Batch } from "../telemetry/batch.ts";

/** For what hands nothing on. */
export const nowhere: Consumer = {
  capabilities: { mutatesData: false },
  consume: () => Promise.reject(new Error("nothing comes after this component")),
};

/** Stands behind whatever hands data on, so that the instance may stay when what comes after it is replaced: from one batch to the next. */
export class Switch implements Consumer {
  target: Consumer;

  constructor(target: Consumer) {
    this.target = target;
  }

  get capabilities(): Capabilities {
    return this.target.capabilities;
  }

  consume(batch: Batch): Promise<void> {
    return this.target.consume(batch);
  }
}
