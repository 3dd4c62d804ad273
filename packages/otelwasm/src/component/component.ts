import type { Batch, Signal } from "../telemetry/batch.ts";
import type { ClientAuthenticator, ServerAuthenticator } from "./auth.ts";
import type { Storage } from "./storage.ts";

/**
 * The life of a component:
 *
 * 1. Created by its factory: the configuration is checked; nothing is opened, nothing runs.
 * 2. `start`: resolves when the component can work. Called once. Pipelines start from the exporters back to the receivers.
 * 3. Working. Consumers get batches, possibly several at once; receivers send them.
 * 4. `stopping`, where it is there: the collector is about to be shut down. Data still comes, and its senders wait to be answered.
 * 5. `shutdown`: called once, also after a failed or missing `start`. Receivers first: a receiver's `shutdown` resolves when every batch
 *    that it has handed on is answered. A consumer gets nothing after its `shutdown` was called, and must have drained when it resolves.
 */
export interface Component {
  start(): Promise<void>;
  /** Called before the first component's `shutdown`: what waits only for a better time (to try again, to have more at once) waits no more. Never throws. */
  stopping?(): void;
  shutdown(): Promise<void>;
  /** How long `shutdown` may take, in milliseconds, where that is configured. Default: what the collector gives to each component. */
  readonly shutdownTimeoutMs?: number;
}

export interface Capabilities {
  /** The consumer may alter or detach the buffer that it is given: a fan-out then gives it one of its own. */
  readonly mutatesData: boolean;
}

/** Takes batches. */
export interface Consumer {
  readonly capabilities: Capabilities;
  /**
   * Resolves when the responsibility for the batch has been taken: it was delivered, or is safe. Until then nobody upstream
   * acknowledges it.
   *
   * @throws ConsumerError permanent or retryable; nothing was, or only a part was, delivered.
   */
  consume(batch: Batch): Promise<void>;
}

/** Where a receiver can be reached once it has started, e.g. `{ protocol: "http", url: "http://127.0.0.1:4318" }`. */
export interface Endpoint {
  readonly protocol: string;
  readonly url: string;
}

export interface Receiver extends Component {
  /** Filled by `start`: the addresses that were bound, with the real port where the configuration said 0. */
  readonly endpoints?: readonly Endpoint[];
}

export interface Processor extends Component, Consumer {}

export interface Exporter extends Component, Consumer {}

/** Ends pipelines and begins others: an exporter of the former, a receiver of the latter. */
export interface Connector extends Component, Consumer {}

/** Stands beside the pipelines and gets no data: started before them, stopped after them. What it can do for components is one of its properties. */
export interface Extension extends Component {
  /** Filled by `start`, as a receiver's. */
  readonly endpoints?: readonly Endpoint[];
  /** It can tell who may send to a receiver: `auth::authenticator` there names it. */
  readonly serverAuthenticator?: ServerAuthenticator;
  /** It can vouch for an exporter at its destination: `auth::authenticator` there names it. */
  readonly clientAuthenticator?: ClientAuthenticator;
  /** It can keep bytes over restarts: `sending_queue::storage` names it. */
  readonly storage?: Storage;
}

/** What a pipeline lists; a connector is among its receivers or exporters. */
export type PipelineComponentKind = "receiver" | "processor" | "exporter";
export type ComponentKind = PipelineComponentKind | "connector" | "extension";
export type { Batch, Signal };
