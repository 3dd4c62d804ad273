import type { Capabilities, Exporter } from "../../component/component.ts";
import type { ConsumerError } from "../../component/errors.ts";
import type { Batch } from "../../telemetry/batch.ts";

/** What a destination does with an attempt: it takes it, refuses it, or says nothing until `answer` is called. */
export type Outcome = "takes" | "hangs" | ConsumerError;

export interface Attempt {
  readonly at: number;
  readonly bytes: Uint8Array;
  readonly outcome: Outcome;
  /** For one that hangs. */
  answer(error?: ConsumerError): void;
}

/** An exporter whose destination does what a test says. */
export class Destination implements Exporter {
  readonly capabilities: Capabilities;
  readonly attempts: Attempt[] = [];
  readonly #outcome: (index: number) => Outcome;
  readonly #now: () => number;
  /** Attempts that are not answered. */
  open = 0;
  mostOpen = 0;
  state: "created" | "started" | "shut down" = "created";

  /** @param takesBuffers it detaches what it gets, as one that moves it to a thread does */
  constructor(outcome: (index: number) => Outcome, now: () => number, takesBuffers = false) {
    this.#outcome = outcome;
    this.#now = now;
    this.capabilities = { mutatesData: takesBuffers };
  }

  /** What was taken, attempt by attempt. */
  get taken(): Uint8Array[] {
    return this.attempts.filter(({ outcome }) => outcome === "takes").map(({ bytes }) => bytes);
  }

  start(): Promise<void> {
    this.state = "started";
    return Promise.resolve();
  }

  consume({ bytes }: Batch): Promise<void> {
    const outcome = this.#outcome(this.attempts.length);
    const own = new Uint8Array(bytes);
    if (this.capabilities.mutatesData) structuredClone(bytes, { transfer: [bytes.buffer as ArrayBuffer] });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.mostOpen = Math.max(this.mostOpen, ++this.open);
    const answer = (error?: ConsumerError): void => {
      this.open--;
      if (error === undefined) resolve();
      else reject(error);
    };
    this.attempts.push({ at: this.#now(), bytes: own, outcome, answer });
    if (outcome === "takes") answer();
    else if (outcome !== "hangs") answer(outcome);
    return promise;
  }

  shutdown(): Promise<void> {
    this.state = "shut down";
    return Promise.resolve();
  }
}
