import { constants } from "node:os";
import { type Logger, silentLogger } from "../component/logger.ts";
import { createCollector } from "../service/create.ts";
import { createLogger } from "../service/logger.ts";
import { version } from "../service/version.ts";
import { readConfig } from "./config.ts";
import { tuneHeap } from "./heap.ts";
import type { ConfigOptions } from "./program.ts";
import { Reloads } from "./reloads.ts";
import { EXIT } from "./report.ts";

/**
 * Runs a collector until SIGTERM or SIGINT, then drains it. A second signal ends the process at once. SIGHUP has the configuration read again.
 *
 * @param debug log the stacks of errors, whatever the log's level
 * @returns the exit code
 * @throws ConfigError
 */
export async function runCollector(options: ConfigOptions, debug: boolean): Promise<number> {
  tuneHeap();
  // From the first moment on: where nobody listens, this signal ends the process.
  let hungUp = false;
  let onHangup = (): void => {
    hungUp = true;
  };
  process.on("SIGHUP", () => onHangup());
  let logger: Logger = silentLogger;
  const warnings: string[] = [];
  const collector = await createCollector(
    readConfig(options, (warning) => warnings.push(warning)),
    {
      // The Collector's: who runs the command expects to find them there.
      defaultMetricsAddress: { host: "localhost", port: 8888 },
      logger: (settings) => {
        logger = createLogger(settings);
        return logger;
      },
    },
  );
  for (const warning of warnings) logger.warn(warning);
  const failure = (message: string, error: unknown): void => {
    const stack = error instanceof Error ? error.stack : undefined;
    logger.error(message, debug ? { stack } : undefined);
    if (!debug) logger.debug("Where that happened", { stack });
  };
  for (const event of ["uncaughtException", "unhandledRejection"] as const) {
    process.on(event, (error: unknown) => {
      failure(`Internal error, the process ends: ${messageOf(error)}`, error);
      process.exit(EXIT.failure);
    });
  }

  let fatal = false;
  const broken = new Promise<"broken">((resolve) => {
    collector.onStatusChange(({ kind, id, status, error }) => {
      // What a reload tries, and gives up, has no part in the collector's health.
      if (status !== "FatalError" || collector.health().status !== "FatalError") return;
      fatal = true;
      logger.error(`Shutting down: ${kind} "${id}" says that the collector cannot go on`, { error });
      resolve("broken");
    });
  });
  const stop = Promise.race([untilStopped(() => logger), broken]);
  const announced = new Set<string>();
  const reloads = new Reloads({
    collector,
    read: () => readConfig(options, (warning) => logger.warn(warning)),
    logger: () => logger,
    done: announce,
  });
  onHangup = () => reloads.ask("SIGHUP received");
  if (hungUp) onHangup();
  logger.info("Starting otelwasm", { version: version(), node: process.version, pid: process.pid });
  const starting = collector.start();
  try {
    const first = await Promise.race([starting, stop]);
    // A start that is interrupted fails with just that.
    if (first !== undefined) starting.catch((error: unknown) => logger.debug(messageOf(error)));
    else {
      announce();
      // The Collector's words: scripts wait for them.
      logger.info("Everything is ready. Begin running and processing data.");
    }
  } catch (error) {
    failure(`Cannot start: ${messageOf(error)}`, error);
    return EXIT.failure;
  }
  await stop;
  reloads.end();
  try {
    await collector.shutdown();
  } catch (error) {
    const failures: readonly unknown[] = error instanceof AggregateError ? error.errors : [error];
    for (const each of failures) failure(messageOf(each), each);
    logger.error("Shutdown complete, with errors");
    return EXIT.failure;
  }
  logger.info("Shutdown complete");
  return fatal ? EXIT.failure : EXIT.ok;

  /** What is new since it was said. */
  function announce(): void {
    const lines = new Map(
      collector.endpoints.map(({ component, protocol, url }) => [`Listening for ${protocol} on ${url}`, component]),
    );
    for (const [line, component] of lines) {
      if (!announced.has(line)) logger.info(line, { "otelcol.component.id": component });
    }
    announced.clear();
    for (const line of lines.keys()) announced.add(line);
  }
}

/** Resolves at the first signal; the second ends the process with the code that shells give to signals. */
function untilStopped(logger: () => Logger): Promise<"stopped"> {
  const { promise, resolve } = Promise.withResolvers<"stopped">();
  // A collector whose components wait for nothing (its health check does so on a thread of its own) runs all the same; whoever calls this ends the process.
  setInterval(() => undefined, 2 ** 30);
  let received = false;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (received) process.exit(128 + constants.signals[signal]);
    received = true;
    logger().info(
      `${signal} received: shutting down. Receivers stop, data in flight drains; a second signal ends at once`,
    );
    resolve("stopped");
  };
  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);
  return promise;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
