import { randomUUID } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { ConfigError } from "../component/errors.ts";
import type { ComponentFactory } from "../component/factory.ts";
import { type Logger, silentLogger } from "../component/logger.ts";
import type { Tree } from "../config/expanded.ts";
import { parseConfig } from "../config/load.ts";
import type { HostPort } from "../config/values.ts";
import { PortRegistry } from "../transport/ports.ts";
import { builtinFactories } from "./builtin.ts";
import { assemble, type Collector, type Renewal } from "./collector.ts";
import { resolveConfig, type ServiceConfig } from "./config.ts";
import { ExchangeableLogger } from "./exchangeable-logger.ts";
import { FactorySet } from "./factories.ts";
import { ExportedLogger, type LogOutlet } from "./log-export.ts";
import type { LogSettings } from "./log-settings.ts";
import { createMetrics, type OwnMetrics } from "./metrics/metrics.ts";
import { defaultReader, type MetricsReader, type MetricsSettings } from "./metrics/settings.ts";
import { importEngines } from "./settings.ts";
import { type ResourceAttributes, resourceOf } from "./telemetry/resource.ts";

/**
 * A configuration: what `loadConfig` gives back, or YAML text, in which variables are expanded, or an object in the shape of a configuration file,
 * which is taken as it stands.
 */
export type ConfigInput = string | object;

export interface CollectorOptions {
  /** Component types beside the built-in ones. */
  readonly factories?: readonly ComponentFactory[];
  /** Gets the log, or makes the logger that `service::telemetry::logs` asks for: `createLogger`, called again when a reload may have changed it. Default: silence. */
  readonly logger?: Logger | ((settings: LogSettings & { readonly resource: ResourceAttributes }) => Logger);
  /** Milliseconds that each component may take to shut down before the others go on without it. Default 10 s. */
  readonly shutdownTimeoutMs?: number;
  /** Where own metrics are served if `service::telemetry::metrics` names no reader. Default: nowhere. The command has the Collector's, `localhost:8888`. */
  readonly defaultMetricsAddress?: HostPort;
}

/**
 * Checks a configuration and creates its components; nothing is opened and nothing runs before `start`.
 *
 * @throws ConfigError that lists everything that is wrong; ComponentError if a component's factory refuses what it gets
 */
export async function createCollector(config: ConfigInput, options: CollectorOptions = {}): Promise<Collector> {
  const { factories, shutdownTimeoutMs } = options;
  const warnings: string[] = [];
  const resolved = await resolve(config, factories, (warning) => warnings.push(warning));
  const instance = randomUUID();
  let resource = resourceOf(resolved.resource, instance);
  let { logs } = resolved;
  const outlet: LogOutlet = { current: undefined };
  let written = loggerOf({ ...logs, resource }, options);
  /** Without its export, of which it hears. */
  const plain = new ExchangeableLogger(written);
  const logger = new ExchangeableLogger(exported(written, logs, outlet));
  for (const warning of warnings) logger.warn(warning);
  const ports = new PortRegistry();
  const metrics = (of: ServiceConfig): Promise<OwnMetrics> =>
    createMetrics({
      level: of.metrics.level,
      readers: readersOf(of.metrics, options.defaultMetricsAddress),
      views: of.metrics.views,
      traces: of.traces,
      logs: { logs: of.logs, logger: plain, outlet },
      resource: resourceOf(of.resource, instance),
      logger,
      ports,
    });
  const renewal: Renewal<ConfigInput> = {
    resolve: (other) => resolve(other, factories, (warning) => logger.warn(warning)),
    metrics,
    log(other) {
      const otherResource = resourceOf(other.resource, instance);
      if (isDeepStrictEqual([logs, resource], [other.logs, otherResource])) return;
      let next: Logger;
      try {
        next = loggerOf({ ...other.logs, resource: otherResource }, options);
      } catch (error) {
        logger.error("The log goes on as it was before", { error });
        return;
      }
      ({ logs } = other);
      resource = otherResource;
      const before = written;
      written = next;
      plain.exchange(next);
      logger.exchange(exported(next, logs, outlet));
      if (next !== before) before.close?.();
    },
  };
  return assemble(resolved, {
    logger,
    metrics: await metrics(resolved),
    ports,
    renewal,
    ...(shutdownTimeoutMs === undefined ? {} : { shutdownTimeoutMs }),
  });
}

/** What a logger is made from. */
type LoggerSettings = LogSettings & { readonly resource: ResourceAttributes };

function loggerOf(settings: LoggerSettings, { logger }: CollectorOptions): Logger {
  return typeof logger === "function" ? logger(settings) : (logger ?? silentLogger);
}

function exported(logger: Logger, { level, processors }: LogSettings, outlet: LogOutlet): Logger {
  return processors.length === 0 ? logger : new ExportedLogger(logger, level, outlet);
}

function readersOf({ readers }: MetricsSettings, address: HostPort | undefined): readonly MetricsReader[] {
  return readers ?? (address === undefined ? [] : [defaultReader(address)]);
}

/**
 * Checks a configuration without running it: syntax, keys and values of every component, references between them.
 *
 * @returns one message for each thing that is wrong, with its path; empty if the configuration can be used
 */
export async function validateConfig(
  config: ConfigInput,
  options: Pick<CollectorOptions, "factories"> = {},
): Promise<readonly string[]> {
  try {
    assemble(await resolve(config, options.factories), { logger: silentLogger });
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.issues;
    return [error instanceof Error ? error.message : String(error)];
  }
}

async function resolve(
  config: ConfigInput,
  more: readonly ComponentFactory[] = [],
  warn?: (message: string) => void,
): Promise<ServiceConfig> {
  const raw = (
    typeof config === "string" ? parseConfig(config, "configuration", warn === undefined ? {} : { warn }) : config
  ) as Tree;
  await importEngines(raw.service);
  return resolveConfig(raw, new FactorySet([...builtinFactories, ...more]));
}
