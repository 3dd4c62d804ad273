import type { Logger } from "../component/logger.ts";
import { formatDuration } from "../config/duration.ts";
import type { ServiceConfig } from "./config.ts";
import { type BoundEndpoint, buildGraph } from "./graph.ts";
import { endpointsOf, SHUTDOWN_TIMEOUT_MS, startGraph, stopGraph, within } from "./lifecycle.ts";

/** A configuration that runs. */
export interface Collector {
  /**
   * Starts every component; resolves when data can come. Called once.
   *
   * @throws ComponentError that names the component that could not start; everything is shut down again by then
   */
  start(): Promise<void>;
  /**
   * Receivers stop, data in flight drains through the processors to the exporters, plugins get their `shutdown`. May be called at any time and more than once;
   * during a start it ends that first.
   *
   * @throws AggregateError of ComponentErrors if components could not be shut down; all the others are
   */
  shutdown(): Promise<void>;
  /** Where the receivers listen. Empty before `start` has resolved. */
  readonly endpoints: readonly BoundEndpoint[];
}

export interface RunOptions {
  readonly logger: Logger;
  /** Milliseconds that each component may take to shut down. Default 10 s. */
  readonly shutdownTimeoutMs?: number;
}

/**
 * Creates the components of a configuration that was checked.
 *
 * @throws ConfigError | ComponentError if a factory refuses what it gets
 */
export function assemble(config: ServiceConfig, { logger, shutdownTimeoutMs }: RunOptions): Collector {
  const graph = buildGraph(config, logger);
  const timeoutMs = shutdownTimeoutMs ?? SHUTDOWN_TIMEOUT_MS;
  for (const name of config.unused) logger.debug(`${name} is configured, but in no pipeline`);
  let starting: Promise<void> | undefined;
  let stopping: Promise<void> | undefined;
  let endpoints: readonly BoundEndpoint[] = [];

  const start = async (): Promise<void> => {
    const begun = performance.now();
    try {
      await startGraph(graph, () => stopping !== undefined);
      endpoints = endpointsOf(graph);
    } catch (error) {
      // Whoever called `shutdown` meanwhile stops the graph; otherwise nobody else would.
      if (stopping === undefined) {
        stopping = stopGraph(graph, timeoutMs).then((failures) => {
          for (const failure of failures) logger.error(failure.message);
        });
        await stopping;
      }
      throw error;
    }
    logger.debug(`Started in ${formatDuration(Math.round(performance.now() - begun))}`);
  };

  const stop = async (): Promise<void> => {
    // How a start ends is its caller's to know; here it only has to be over.
    await Promise.allSettled([within(timeoutMs, Promise.resolve(starting))]);
    const failures = await stopGraph(graph, timeoutMs);
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
  };
}
