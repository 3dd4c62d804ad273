/**
 * `npm start`: a collector with a WebAssembly plugin in its pipelines, and a shop that sends it telemetry. What comes out is printed by the
 * debug exporter. Ctrl-C drains and stops.
 *
 * `QUICKSTART_GRPC_ENDPOINT`, `QUICKSTART_HTTP_ENDPOINT`: other addresses than `localhost:4317` and `localhost:4318`.
 */
import { fileURLToPath } from "node:url";
import { type Collector, createCollector, createLogger, loadConfig } from "otelwasm";
import { buildAttributesPlugin } from "../attributes/build.ts";
import { afterFirstOrder, PORTS_TAKEN } from "./banner.ts";
import { openShop } from "./shop.ts";

const CONFIG = "examples/quickstart/config.yaml";
const ORDER_EVERY_MS = 5000;

// The configuration names the plugin's file from the repository's root.
process.chdir(fileURLToPath(new URL("../..", import.meta.url)));

/** npm and scripts/run.mjs pass signals on to a process that has had them from the terminal already: not a person's second one. */
const SAME_SIGNAL_MS = 500;

/** Aborts at the first SIGINT or SIGTERM; the second ends the process at once. */
function stopSignal(): AbortSignal {
  const controller = new AbortController();
  let first = Number.POSITIVE_INFINITY;
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.on(name, () => {
      if (performance.now() - first > SAME_SIGNAL_MS) process.exit(130);
      first = Math.min(first, performance.now());
      controller.abort();
    });
  }
  return controller.signal;
}

/** Standard error, as the collector's log: the two do not overtake each other. */
function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

function urlOf(collector: Collector, protocol: string): string {
  const found = collector.endpoints.find((endpoint) => endpoint.protocol === protocol);
  if (found === undefined) throw new Error(`${CONFIG}: the otlp receiver does not listen for ${protocol}`);
  return found.url;
}

/** Resolves after so long, or when the signal aborts. */
function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener("abort", done);
  });
}

async function sell(grpcUrl: string, httpUrl: string, stop: AbortSignal): Promise<void> {
  const shop = openShop(grpcUrl, httpUrl);
  try {
    await shop.takeOrder();
    say(afterFirstOrder(CONFIG, grpcUrl, httpUrl, ORDER_EVERY_MS));
    while (!stop.aborted) {
      await pause(ORDER_EVERY_MS, stop);
      if (!stop.aborted) await shop.takeOrder();
    }
  } finally {
    await shop.close();
  }
}

async function main(): Promise<void> {
  const stop = stopSignal();
  await buildAttributesPlugin(say);
  const collector = await createCollector(loadConfig([CONFIG]), { logger: createLogger() });
  try {
    await collector.start();
    const [grpcUrl, httpUrl] = [urlOf(collector, "grpc"), urlOf(collector, "http")];
    say(`\nListening for OTLP: gRPC on ${grpcUrl}, HTTP on ${httpUrl}\n`);
    await sell(grpcUrl, httpUrl, stop);
    say("Stopping: the receivers close, what is in flight drains, the plugin gets its shutdown ...");
  } finally {
    await collector.shutdown();
  }
  say("Stopped.");
}

main().catch((error: unknown) => {
  const message = error instanceof Error ? error.message : String(error);
  say(`\nCannot run the quickstart: ${message}`);
  if (/EADDRINUSE|in use/.test(message)) say(PORTS_TAKEN);
  process.exitCode = 1;
});
