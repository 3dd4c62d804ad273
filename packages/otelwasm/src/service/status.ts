import type { ComponentKind, Signal } from "../component/component.ts";
import {
  aggregateStatus,
  type ComponentHealth,
  type ComponentStatus,
  type Health,
  type PipelineHealth,
  type StatusReport,
} from "../component/health.ts";
import type { Logger } from "../component/logger.ts";

/** What tells one instance of a configuration from all others. */
export interface Place {
  readonly kind: ComponentKind;
  readonly id: string;
  /** Not of an extension. Of a connector: what it takes. */
  readonly signal?: Signal;
  /** Of a connector: what it gives. */
  readonly outputSignal?: Signal;
  /** Of a processor. */
  readonly pipeline?: string;
}

/** Told of each change, with what the component is from now on. */
export type StatusListener = (component: ComponentHealth) => void;

/** From which status to which, as in the Collector; a component may also say something else about its recoverable error. */
const TRANSITIONS: Readonly<Record<ComponentStatus, readonly ComponentStatus[]>> = {
  None: ["Starting", "Stopping"],
  Starting: ["OK", "RecoverableError", "PermanentError", "FatalError", "Stopping"],
  OK: ["RecoverableError", "PermanentError", "FatalError", "Stopping"],
  RecoverableError: ["OK", "RecoverableError", "PermanentError", "FatalError", "Stopping"],
  PermanentError: ["FatalError", "Stopping"],
  FatalError: ["Stopping"],
  Stopping: ["PermanentError", "Stopped"],
  Stopped: [],
};

/** The status of one instance. What is no change, or cannot follow, is ignored. */
export class InstanceStatus {
  readonly #place: Place;
  readonly #logger: Logger;
  readonly #changed: StatusListener;
  #health: ComponentHealth;

  /** @param logger the component's own */
  constructor(place: Place, logger: Logger, changed: StatusListener) {
    this.#place = place;
    this.#logger = logger;
    this.#changed = changed;
    this.#health = { ...place, status: "None", since: new Date() };
  }

  get health(): ComponentHealth {
    return this.#health;
  }

  /** What the component says; the log hears of it once. */
  report({ status, error, logged = false }: StatusReport): void {
    const before = this.#health.status;
    // What goes wrong on the way out is the answer of `shutdown`.
    if (before === "Stopping" || !this.#become(status, error) || status === before) return;
    const attributes = error === undefined ? undefined : { error };
    if (logged) this.#logger.debug(`Component status: ${status}`, attributes);
    else if (status === "RecoverableError") this.#logger.warn("The component does not work, and tries to", attributes);
    else if (status === "OK") this.#logger.info("The component works again");
    else this.#logger.error("The component does not work any more", { ...attributes, status });
  }

  /** @param work the component's `start` */
  async whileStarting(work: () => Promise<void>): Promise<void> {
    this.#become("Starting");
    await this.#failing(work);
    // It may have said something else meanwhile.
    if (this.#health.status === "Starting") this.#become("OK");
  }

  /** @param work the component's `shutdown` */
  async whileStopping(work: () => Promise<void>): Promise<void> {
    this.#become("Stopping");
    await this.#failing(work);
    this.#become("Stopped");
  }

  async #failing(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#become("PermanentError", error instanceof Error ? error.message : String(error));
      throw error;
    }
  }

  #become(status: ComponentStatus, error?: string): boolean {
    const { status: before, error: errorBefore } = this.#health;
    if (!TRANSITIONS[before].includes(status) || (status === before && error === errorBefore)) return false;
    this.#health = { ...this.#place, status, ...(error === undefined ? {} : { error }), since: new Date() };
    this.#changed(this.#health);
    return true;
  }
}

/** The instances of a configuration. */
export interface Shown {
  readonly extensions: readonly InstanceStatus[];
  /** By the pipeline's id: in the order that data takes. */
  readonly pipelines: ReadonlyMap<string, readonly InstanceStatus[]>;
}

/** The status of every instance of a collector. */
export class StatusBoard {
  #shown: Shown = { extensions: [], pipelines: new Map() };
  readonly #listeners = new Set<StatusListener>();

  /** An instance whose changes listeners hear of; what the health is made of is said by `show`. */
  add(place: Place, logger: Logger): InstanceStatus {
    return new InstanceStatus(place, logger, (health) => {
      for (const listener of [...this.#listeners]) {
        try {
          listener(health);
        } catch (error) {
          // The component that has just said how it is could not do anything about it.
          logger.error("A listener of the status failed", { error });
        }
      }
    });
  }

  /** From now on the health is theirs. */
  show(shown: Shown): void {
    this.#shown = shown;
  }

  /** @returns ends it */
  listen(listener: StatusListener): () => void {
    // A function of its own, so that the same listener may come twice.
    const own: StatusListener = (health) => listener(health);
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  health(): Health {
    const pipelines: Record<string, PipelineHealth> = {};
    for (const [id, members] of this.#shown.pipelines) {
      const components = members.map(({ health }) => health);
      pipelines[id] = { status: aggregateStatus(components.map(({ status }) => status)), components };
    }
    const extensions = this.#shown.extensions.map(({ health }) => health);
    const all = [...Object.values(pipelines), ...extensions].map(({ status }) => status);
    return { status: aggregateStatus(all), pipelines, extensions };
  }
}
