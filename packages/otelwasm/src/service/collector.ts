import type { Health } from "../component/health.ts";
import type { Logger } from "../component/logger.ts";
import { formatDuration } from "../config/duration.ts";
import { PortRegistry } from "../transport/ports.ts";
import { type Fingerprints, fingerprintsOf, type Side, sameTelemetry, stayingOf } from "./change.ts";
import type { ServiceConfig } from "./config.ts";
import { type BoundEndpoint, buildGraph, type Graph, NOTHING_STAYS } from "./graph.ts";
import { type Assembly, ComponentError, type Node, nameOf } from "./instances.ts";
import { endpointsOf, nodesOf, SHUTDOWN_TIMEOUT_MS, startGraph, stopGraph, stopNode, within } from "./lifecycle.ts";
import { noMetrics, type OwnMetrics } from "./metrics/metrics.ts";
import { type Place, StatusBoard, type StatusListener } from "./status.ts";

/** What a reload did, by instance. */
export interface ReloadReport {
  /** As they were: they went on without a break. */
  readonly kept: readonly Place[];
  readonly started: readonly Place[];
  readonly stopped: readonly Place[];
}

/** A configuration that runs. `Input` is what configurations are given as. */
export interface Collector<Input = string | object> {
  /**
   * Starts every component; resolves when data can come. Called once.
   *
   * @throws ComponentError that names the component that could not start, Error that names the address that own metrics cannot have; everything is shut
   *   down again by then
   */
  start(): Promise<void>;
  /**
   * Puts another configuration in the place of the one that runs. It is checked first. Components that are the same in both go on; all others are created and started, and only when each
   * of them works, data goes to them; then what is not used any more drains and is shut down. Nothing in flight is lost, and no port is closed that is used before and after.
   *
   * Waits until the collector has started, and until a reload that was asked for before has ended. Resolves when the old components are shut down; what goes wrong there is logged.
   *
   * @throws ConfigError | ComponentError | Error if the configuration cannot be used: the one before goes on as if nothing had happened. Error after `shutdown`, and without a `start`
   */
  reload(config: Input): Promise<ReloadReport>;
  /**
   * Receivers stop, data in flight drains through the processors to the exporters, plugins get their `shutdown`. May be called at any time and more than once;
   * during a start or a reload it ends that first.
   *
   * @throws AggregateError of ComponentErrors if components could not be shut down; all the others are
   */
  shutdown(): Promise<void>;
  /** Where receivers and extensions listen, and own metrics are served. Empty before `start` has resolved. */
  readonly endpoints: readonly BoundEndpoint[];
  /** How it is now: the whole, each pipeline, each component. */
  health(): Health;
  /**
   * Tells of each change of a component's status. What the listener throws is logged, and nothing else.
   *
   * @returns ends it
   */
  onStatusChange(listener: StatusListener): () => void;
}

/** How a collector gets what it was put together from once more, for another configuration. */
export interface Renewal<Input> {
  /** @throws ConfigError */
  resolve(config: Input): Promise<ServiceConfig>;
  metrics(config: ServiceConfig): Promise<OwnMetrics>;
  /** From now on the log is as the configuration says. */
  log(config: ServiceConfig): void;
}

export interface RunOptions<Input> {
  readonly logger: Logger;
  /** Default: nothing is measured. */
  readonly metrics?: OwnMetrics;
  readonly ports?: PortRegistry;
  /** Default: there is no reload. */
  readonly renewal?: Renewal<Input>;
  /** Milliseconds that each component may take to shut down. Default 10 s. */
  readonly shutdownTimeoutMs?: number;
}

/** What runs, or is to. */
interface Generation {
  readonly config: ServiceConfig;
  readonly metrics: OwnMetrics;
  readonly graph: Graph;
}

/**
 * Creates the components of a configuration that was checked.
 *
 * @throws ConfigError | ComponentError if a factory refuses what it gets
 */
export function assemble<Input = never>(config: ServiceConfig, options: RunOptions<Input>): Collector<Input> {
  return new RunningCollector(config, options);
}

class RunningCollector<Input> implements Collector<Input> {
  readonly #logger: Logger;
  readonly #timeoutMs: number;
  readonly #renewal: Renewal<Input> | undefined;
  readonly #ports: PortRegistry;
  readonly #board: StatusBoard = new StatusBoard();
  #now: Generation;
  #fingerprints: Fingerprints = new Map();
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;
  /** The last reload that was asked for; fails with it. */
  #reloading: Promise<unknown> = Promise.resolve();
  /** What a reload has replaced, until it is shut down. */
  #leaving: Promise<void> = Promise.resolve();
  #endpoints: readonly BoundEndpoint[] = [];

  constructor(config: ServiceConfig, options: RunOptions<Input>) {
    const { logger, metrics = noMetrics, ports = new PortRegistry(), renewal, shutdownTimeoutMs } = options;
    this.#logger = logger;
    this.#timeoutMs = shutdownTimeoutMs ?? SHUTDOWN_TIMEOUT_MS;
    this.#renewal = renewal;
    this.#ports = ports;
    const graph = buildGraph(config, this.#assembly(metrics), NOTHING_STAYS);
    this.#board.show(graph.shown);
    this.#now = { config, metrics, graph };
    for (const sentence of config.unused) logger.debug(sentence);
  }

  get endpoints(): readonly BoundEndpoint[] {
    return this.#endpoints;
  }

  health(): Health {
    return this.#board.health();
  }

  onStatusChange(listener: StatusListener): () => void {
    return this.#board.listen(listener);
  }

  start(): Promise<void> {
    if (this.#starting !== undefined) return Promise.reject(new Error("the collector was started before"));
    if (this.#stopping !== undefined) return Promise.reject(new Error("the collector was shut down"));
    this.#starting = this.#start();
    return this.#starting;
  }

  shutdown(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  reload(config: Input): Promise<ReloadReport> {
    if (this.#starting === undefined) return Promise.reject(new Error("the collector was not started"));
    const before = this.#reloading;
    const report = Promise.allSettled([before]).then(() => this.#reload(config));
    this.#reloading = report;
    return report;
  }

  async #start(): Promise<void> {
    const begun = performance.now();
    const { config, metrics, graph } = this.#now;
    try {
      this.#fingerprints = await fingerprintsOf(config);
      // First and last: how the start and the stop go can be read there.
      await metrics.start();
      await startGraph(graph, new Set(nodesOf(graph)), () => this.#stopping !== undefined);
      this.#showEndpoints();
    } catch (error) {
      // Whoever called `shutdown` meanwhile stops the graph; otherwise nobody else would.
      if (this.#stopping === undefined) {
        this.#stopping = this.#stopAll().then((failures) => {
          for (const failure of failures) this.#logger.error(failure.message);
        });
        await this.#stopping;
      }
      throw error;
    }
    this.#logger.debug(`Started in ${formatDuration(Math.round(performance.now() - begun))}`);
  }

  async #stop(): Promise<void> {
    // How a start and a reload end is their caller's to know; here they only have to be over.
    await Promise.allSettled([within(this.#timeoutMs, Promise.resolve(this.#starting))]);
    await this.#leaving;
    await Promise.allSettled([within(this.#timeoutMs, this.#reloading)]);
    const failures = await this.#stopAll();
    this.#endpoints = [];
    if (failures.length > 0) throw new AggregateError(failures, failures.map((failure) => failure.message).join("; "));
  }

  async #stopAll(): Promise<Error[]> {
    const { graph, metrics } = this.#now;
    const failures: Error[] = await stopGraph(graph, new Set(nodesOf(graph)), this.#timeoutMs);
    await stopMetrics(metrics).catch((error: Error) => failures.push(error));
    return failures;
  }

  async #reload(input: Input): Promise<ReloadReport> {
    await this.#starting;
    const renewal = this.#renewal;
    if (renewal === undefined) throw new Error("this collector has no way to read another configuration");
    this.#goOn();
    const config = await renewal.resolve(input);
    const after: Side = { config, fingerprints: await fingerprintsOf(config) };
    this.#goOn();
    const old = this.#now;
    const staying = stayingOf(old.graph, { config: old.config, fingerprints: this.#fingerprints }, after);
    const metrics = sameTelemetry(old.config, config) ? old.metrics : await renewal.metrics(config);
    const assembly = this.#assembly(metrics);
    const fresh = new Set<Node>();
    const leaving = new Set(nodesOf(old.graph));
    let graph: Graph;
    try {
      graph = buildGraph(config, assembly, staying);
      for (const node of assembly.fresh) fresh.add(node);
      for (const node of nodesOf(graph)) leaving.delete(node);
      const replaced = metrics === old.metrics ? [] : [old.metrics.portOwner];
      this.#ports.offer(new Set([...replaced, ...[...leaving].map(({ status }) => status)]));
      if (metrics !== old.metrics) await metrics.start();
      await startGraph(graph, fresh, () => this.#stopping !== undefined);
      for (const node of fresh) mustWork(node);
    } catch (error) {
      await this.#undo(assembly, metrics);
      throw error;
    }

    // From here on nothing fails, and nothing waits: a batch goes one way or the other.
    for (const turn of assembly.turns) turn();
    this.#board.show(graph.shown);
    this.#now = { config, metrics, graph };
    this.#fingerprints = after.fingerprints;
    this.#ports.settle();
    this.#showEndpoints();
    renewal.log(config);
    for (const sentence of config.unused) this.#logger.debug(sentence);

    this.#leaving = this.#retire(old, leaving);
    await this.#leaving;
    const kept = nodesOf(graph).filter((node) => !fresh.has(node));
    const report = { kept: placesOf(kept), started: placesOf(fresh), stopped: placesOf(leaving) };
    const names = Object.entries(report).map(([what, places]) => [what, places.map(nameOf)]);
    this.#logger.info("Configuration reloaded", Object.fromEntries(names));
    return report;
  }

  async #retire(old: Generation, leaving: ReadonlySet<Node>): Promise<void> {
    const failures: Error[] = await stopGraph(old.graph, leaving, this.#timeoutMs);
    if (old.metrics !== this.#now.metrics) {
      await stopMetrics(old.metrics).catch((error: Error) => failures.push(error));
    }
    for (const failure of failures) this.#logger.error(`After a reload: ${failure.message}`);
  }

  /** What a reload has created and started goes; ports first, so that nobody is refused meanwhile. */
  async #undo({ fresh }: Assembly, metrics: OwnMetrics): Promise<void> {
    const failures: Error[] = [];
    const failed = (error: Error) => void failures.push(error);
    await this.#ports.giveBack().catch(failed);
    // Data may have come to them already, through receivers that are new: they go before what they feed.
    for (const { component } of fresh) component.stopping?.();
    for (const node of fresh.toReversed()) await stopNode(node, this.#timeoutMs).catch(failed);
    if (metrics !== this.#now.metrics) await stopMetrics(metrics).catch(failed);
    for (const failure of failures) this.#logger.error(`After a reload that failed: ${failure.message}`);
  }

  /** @throws Error if the collector is shut down */
  #goOn(): void {
    if (this.#stopping !== undefined) throw new Error("the collector is shutting down");
  }

  #assembly({ meter, measuring, tracing }: OwnMetrics): Assembly {
    const surroundings = {
      logger: this.#logger,
      meter,
      measuring,
      tracing,
      board: this.#board,
      ports: this.#ports,
    };
    return { surroundings, extensions: new Map(), fresh: [], turns: [] };
  }

  #showEndpoints(): void {
    const { graph, metrics } = this.#now;
    this.#endpoints = [...endpointsOf(graph), ...metrics.endpoints];
  }
}

/** @throws Error that says so */
async function stopMetrics(metrics: OwnMetrics): Promise<void> {
  await metrics.shutdown().catch((error: unknown) => {
    throw new Error(`own metrics cannot be shut down: ${error instanceof Error ? error.message : String(error)}`);
  });
}

/** @throws ComponentError if a component that has started says that it does not work */
function mustWork(node: Node): void {
  const { status, error } = node.status.health;
  if (status === "PermanentError" || status === "FatalError") throw new ComponentError(node, "does not work", error);
}

function placesOf(nodes: Iterable<Node>): Place[] {
  return Array.from(nodes, ({ kind, id, signal, outputSignal, pipeline }) => ({
    kind,
    id,
    ...(signal === undefined ? {} : { signal }),
    ...(outputSignal === undefined ? {} : { outputSignal }),
    ...(pipeline === undefined ? {} : { pipeline }),
  }));
}
