/** What a scenario is: data. `scenarios.ts` has them, `play.ts` plays them. */
import type { Output } from "../collector.ts";
import type { SinkShares } from "./destination.ts";
import type { LineShares } from "./relay.ts";

/** What is done to the collector, or to its destination, while there is load. */
type Happening =
  | "kill -9"
  | "SIGTERM"
  /** The exporters are told another timeout, and are replaced. */
  | "SIGHUP"
  | "destination away"
  /** It goes away, the collector is ended in one way or the other and started again, and it comes back. */
  | "destination away over a restart"
  | "disk full";

export interface Scenario {
  readonly name: string;
  /** For a person. */
  readonly what: string;
  /** One: it is the only exporter; both: a fan-out. */
  readonly outputs: readonly Output[];
  /** `off`: an acknowledgement means delivered. `memory`: the Collector's default queue, and here the same. `disk`: it means safe on the disk. */
  readonly queue: "off" | "memory" | "disk";
  /** Configurations by id. */
  readonly processors?: () => Promise<Readonly<Record<string, unknown>>>;
  /** More of what the exporters' queue is told. */
  readonly sendingQueue?: Readonly<Record<string, unknown>>;
  /** Of the store. */
  readonly disk?: {
    /** `file_storage::max_size` */
    readonly maxSize?: string;
    /** A disk of its own, of this size: only where one can be mounted. */
    readonly size?: string;
  };
  readonly sink?: SinkShares;
  readonly line?: LineShares;
  /** One of each of the rude clients. */
  readonly rude?: true;
  readonly happens?: {
    readonly what: Happening;
    /** Milliseconds from the last time to the next. */
    readonly every: readonly [least: number, most: number];
    /** How often, if the scenario is played in full. Default: as long as there is load. */
    readonly times?: number;
  };
  /** Nothing is wrong with what well-behaved clients get: not one of their attempts may fail. */
  readonly calm?: true;
}
