import type { ComponentSettings } from "../../component/factory.ts";
import type { StatusReport } from "../../component/health.ts";
import type { PluginConfig } from "../../plugin/config.ts";
import { grantsOf } from "../../plugin/grants-config.ts";
import { DEFAULT_LIMITS, type PluginOptions, type PluginState } from "../../plugin/options.ts";
import { WasmPlugin } from "../../plugin/plugin.ts";
import type { PluginRole } from "../../plugin/requirements.ts";
import type { Isolation } from "../../runtime/contract.ts";
import { capabilitiesOf, DEFAULT_RUNTIME } from "../../runtime/registry.ts";
import { measurePlugin } from "./metrics.ts";

/**
 * Loads the plugin of a component; `start` is not called yet. Its state is the component's status, its counts are metrics.
 *
 * @param stopped asked when it is loaded, which may take long: whether it is not wanted any more
 * @throws PluginError | ConfigError
 */
export async function loadPlugin(
  settings: ComponentSettings,
  role: PluginRole,
  config: PluginConfig,
  stopped: () => boolean,
): Promise<WasmPlugin> {
  const { id, logger, signal } = settings;
  const metrics = measurePlugin(settings, {
    runtime: config.runtime_config?.type ?? DEFAULT_RUNTIME,
    isolation: isolationOf(config) ?? "worker",
  });
  const grants = grantsOf(config, process.env, (message) => logger.warn(message));
  const plugin = await WasmPlugin.load({
    id,
    logger,
    role,
    signals: [signal],
    grants,
    ...optionsOf(config),
    ...present({ durations: metrics?.durations }),
    onClosed: () => metrics?.end(),
    onState: (state, reason) => settings.reportStatus(statusOf(state, reason)),
  });
  if (stopped()) {
    await plugin.shutdown();
    throw new Error("the collector was shut down while the plugin was loaded");
  }
  metrics?.show(plugin);
  return plugin;
}

const STATUSES = { working: "OK", restarting: "RecoverableError", failed: "PermanentError" } as const;

function statusOf(state: PluginState, reason: string | undefined): StatusReport {
  // The plugin has logged the call that broke it, each restart, and the end of them.
  return { status: STATUSES[state], ...(reason === undefined ? {} : { error: reason }), logged: true };
}

type Configured = Omit<
  PluginOptions,
  "id" | "logger" | "role" | "signals" | "grants" | "binary" | "path" | "onState" | "onClosed" | "durations"
> & {
  readonly path: string;
};

/** A configuration in the plugin's own terms. What is not configured is not there: the defaults are the plugin's. */
function optionsOf(config: PluginConfig): Configured {
  const { limits, restart } = config;
  return {
    path: config.path,
    pluginConfig: config.plugin_config,
    ...present({
      runtimeConfig: config.runtime_config,
      isolation: config.isolation,
      instances: config.instances,
      onFailure: config.on_failure,
    }),
    limits: present({
      callTimeoutMs: limits?.call_timeout,
      memoryBytes: limits?.memory,
      startTimeoutMs: limits?.start_timeout,
      shutdownTimeoutMs: limits?.shutdown_timeout,
      maxResultBytes: limits?.max_result_bytes,
    }),
    restart: present({
      initialIntervalMs: restart?.initial_interval,
      maxIntervalMs: restart?.max_interval,
      maxRestarts: restart?.max_restarts,
      windowMs: restart?.window,
    }),
  };
}

type Present<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

function present<T extends object>(object: T): Present<T> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as Present<T>;
}

/** Its own time, and some for its thread to end. */
const END_MS = 2_000;

/** `Component.shutdownTimeoutMs` of a component with this configuration. */
export function shutdownTimeoutOf({ limits }: PluginConfig): number {
  return (limits?.shutdown_timeout ?? DEFAULT_LIMITS.shutdownTimeoutMs) + END_MS;
}

function isolationOf({ isolation, runtime_config }: PluginConfig): Isolation | undefined {
  return isolation ?? capabilitiesOf(runtime_config)?.capabilities.isolations[0];
}

/** Whether a plugin with this configuration takes the buffer of a batch away, into its worker: `WasmPlugin.mutatesData`, before it is loaded. */
export function movesBuffers(config: PluginConfig): boolean {
  return isolationOf(config) === "worker" && config.on_failure !== "pass_through";
}
