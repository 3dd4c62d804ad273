import type { Health } from "../component/health.ts";
import type { Logger } from "../component/logger.ts";
import { formatDuration } from "../config/duration.ts";
import type { ServiceConfig } from "./config.ts";
import { type BoundEndpoint, buildGraph } from "./graph.ts";
import { endpointsOf, SHUTDOWN_TIMEOUT_MS, startGraph, stopGraph, within } from "./lifecycle.ts";
import { noMetrics, type OwnMetrics } from "./metrics/metrics.ts";
import { StatusBoard, type StatusListener } from "./status.ts";

/** A configuration that runs. */
export interface Collector {
  /**
   * Starts every component; resolves when data can come. Called once.
   *
   * @throws ComponentError that names the component that could not start, Error that names the address that own metrics cannot have; everything is shut
   *   down again by then
   */
  start(): Promise<void>;
  /**
   * Receivers stop, data in flight drains through the processors to the exporters, plugins get their `shutdown`. May be called at any time and more than once;
   * during a start it ends that first.
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

export interface RunOptions {
  readonly logger: Logger;
  /** Default: nothing is measured. */
  readonly metrics?: OwnMetrics;
  /** Milliseconds that each component may take to shut down. Default 10 s. */
  readonly shutdownTimeoutMs?: number;
}

/**
 * Creates the components of a configuration that was checked.
 *
 * @throws ConfigError | ComponentError if a factory refuses what it gets
 */
export function assemble(config: ServiceConfig, options: RunOptions): Collector {
  const { logger, metrics = noMetrics, shutdownTimeoutMs } = options;
  const board = new StatusBoard();
  const graph = buildGraph(config, {
    logger,
    meter: metrics.meter,
    measuring: metrics.measuring,
    tracing: metrics.tracing,
    board,
  });
  const timeoutMs = shutdownTimeoutMs ?? SHUTDOWN_TIMEOUT_MS;
  for (const sentence of config.unused) logger.debug(sentence);
  let starting: Promise<void> | undefined;
  let stopping: Promise<void> | undefined;
  let endpoints: readonly BoundEndpoint[] = [];

  const start = async (): Promise<void> => {
    const begun = performance.now();
    try {
      // First and last: how the start and the stop go can be read there.
      await metrics.start();
      await startGraph(graph, () => stopping !== undefined);
      endpoints = [...endpointsOf(graph), ...metrics.endpoints];
    } catch (error) {
      // Whoever called `shutdown` meanwhile stops the graph; otherwise nobody else would.
      if (stopping === undefined) {
        stopping = stopAll().then((failures) => {
          for (const failure of failures) logger.error(failure.message);
        });
        await stopping;
      }
      throw error;
    }
    logger.debug(`Started in ${formatDuration(Math.round(performance.now() - begun))}`);
  };

  const stopAll = async (): Promise<Error[]> => {
    const failures: Error[] = await stopGraph(graph, timeoutMs);
    await metrics.shutdown().catch((error: unknown) => {
      failures.push(
        new Error(`own metrics cannot be shut down: ${error instanceof Error ? error.message : String(error)}`),
      );
    });
    return failures;
  };

  const stop = async (): Promise<void> => {
    // How a start ends is its caller's to know; here it only has to be over.
    await Promise.allSettled([within(timeoutMs, Promise.resolve(starting))]);
    const failures = await stopAll();
    endpoints = [];
    if (failures.length > 0) throw new AggregateError(failures, failures.map((failure) => failure.message).join("; "));
  };

  return {
    start() {
      if (starting !== undefined) return Promise.reject(new Error("the collector was started before"));
      if (stopping !== undefined) return Promise.reject(new Error("the collector was shut down"));
      starting = start();
      return starting;
    },
    shutdown() {
      stopping ??= stop();
      return stopping;
    },
    get endpoints() {
      return endpoints;
    },
    health: () => board.health(),
    onStatusChange: (listener) => board.listen(listener),
  };
}
