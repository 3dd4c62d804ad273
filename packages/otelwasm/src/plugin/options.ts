/** What a plugin is loaded with, and the defaults, as data. */
import { ConfigError } from "../component/errors.ts";
import type { Logger } from "../component/logger.ts";
import type { Histogram } from "../component/measuring.ts";
import type { Isolation, RuntimeCapabilities } from "../runtime/contract.ts";
import type { RuntimeConfig } from "../runtime/registry.ts";
import type { Signal } from "../telemetry/batch.ts";
import type { NetworkGrant, WasiGrants } from "../wasi/grants.ts";
import type { PluginRole } from "./requirements.ts";

/** Where the module comes from. */
export type PluginSource =
  | { readonly path: string; readonly binary?: never }
  /** A WebAssembly binary; it is not kept. */
  | { readonly binary: Uint8Array; readonly path?: never };

/** What happens to data while a plugin is broken, and to the batch that broke it. */
export const ON_FAILURE = ["reject", "pass_through", "drop"] as const;
export type OnFailure = (typeof ON_FAILURE)[number];

export interface PluginLimits {
  /** Milliseconds from where the guest begins a call until it must have returned. Not for a receiver's loop. */
  readonly callTimeoutMs: number;
  /** Bytes that the linear memory may grow to; growth beyond fails in the guest. */
  readonly memoryBytes: number;
  /** Milliseconds for everything from making the instance to the end of its `start`. */
  readonly startTimeoutMs: number;
  /** Milliseconds from the stop until the guest's `shutdown` must have returned, a receiver's loop included. */
  readonly shutdownTimeoutMs: number;
  /** Bytes of all results of one call; of each result of a receiver. */
  readonly maxResultBytes: number;
}

export const DEFAULT_LIMITS: PluginLimits = {
  callTimeoutMs: 5_000,
  memoryBytes: 512 * 1024 * 1024,
  startTimeoutMs: 30_000,
  shutdownTimeoutMs: 10_000,
  maxResultBytes: 64 * 1024 * 1024,
};

/** After a trap, a deadline, or the death of a worker or a process. The first restart is at once. */
export interface RestartOptions {
  /** Before the second attempt in a row; each further one waits twice as long, give or take a jitter. */
  readonly initialIntervalMs: number;
  readonly maxIntervalMs: number;
  /** More attempts than this within the window, and the instance stays failed. */
  readonly maxRestarts: number;
  readonly windowMs: number;
}

export const DEFAULT_RESTART: RestartOptions = {
  initialIntervalMs: 500,
  maxIntervalMs: 30_000,
  maxRestarts: 100,
  windowMs: 60_000,
};

/** `restarting`: data meets `onFailure`, or waits if the restart is under way. `failed` is final. */
export type PluginState = "working" | "restarting" | "failed";

/** What a plugin may use of the machine it runs on; what is not given is not granted. A `host` directory may be relative to the current one. */
export type Grants = Partial<Omit<WasiGrants, "network">> & { readonly network?: Partial<NetworkGrant> };

export type PluginOptions = PluginSource & {
  /** `type` or `type/name`: stands in every error and line. */
  readonly id: string;
  readonly role: PluginRole;
  /** What the plugin must support: the signals of the pipelines that it is used in. */
  readonly signals: readonly Signal[];
  /** Handed to the guest as JSON; absent or null is `{}`. */
  readonly pluginConfig?: unknown;
  /** Default: the embedded engine. */
  readonly runtimeConfig?: RuntimeConfig;
  /** Gets the guest's lines and what happens to the instance. Default: silent. */
  readonly logger?: Logger;
  /** Gets the guest's lines in place of `logger`. */
  readonly guestLogger?: Logger;
  /** Default: none. */
  readonly grants?: Grants;
  /** Default: the engine's, the first of its `capabilities.isolations`. */
  readonly isolation?: Isolation;
  /** How many instances work side by side, for processors and exporters. Default: 1. */
  readonly instances?: number;
  /** Default: `DEFAULT_LIMITS`, each on its own. */
  readonly limits?: Partial<PluginLimits>;
  /** Default: `reject`. `pass_through` is for processors, and copies each batch before the guest gets it. */
  readonly onFailure?: OnFailure;
  /** Default: `DEFAULT_RESTART`, each on its own. */
  readonly restart?: Partial<RestartOptions>;
  /** Told of every change; the state before the first is `working`. Must not throw. */
  readonly onState?: (state: PluginState, reason?: string) => void;
  /** Told when everything was released, after `shutdown`. Must not throw. */
  readonly onClosed?: () => void;
  /** Gets how long each call took, in seconds: `Call.began`. */
  readonly durations?: Histogram;
};

/** Calls that are not answered. */
export interface PluginQueue {
  /** In an instance that runs them. */
  readonly running: number;
  readonly waiting: number;
}

/** Counted since the plugin was loaded. */
export interface PluginStats {
  /** Batches that were handed to a guest, or that a receiver's guest handed out. */
  readonly calls: number;
  /** Of these, what failed in any way. */
  readonly errors: number;
  readonly traps: number;
  readonly deadlines: number;
  /** Instances that took another's place. */
  readonly restarts: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Batches answered by `onFailure` with `reject`, `pass_through`, `drop`, without a guest's result. */
  readonly rejected: number;
  readonly passedThrough: number;
  readonly dropped: number;
  /** A receiver's batches that the pipeline refused for good, or that came after the stop: they are lost. */
  readonly refused: number;
}

/** Everything that has a default, filled in. */
export interface ResolvedOptions {
  readonly isolation: Isolation;
  readonly instances: number;
  readonly limits: PluginLimits;
  readonly onFailure: OnFailure;
  readonly restart: RestartOptions;
}

/** Of the limits, those that only a thread of its own keeps. */
const TIMEOUTS = ["startTimeoutMs", "shutdownTimeoutMs"] as const;

/** @throws ConfigError that lists everything that cannot be had */
export function resolveOptions(options: PluginOptions, engine: RuntimeCapabilities): ResolvedOptions {
  const {
    role,
    isolation = engine.isolations[0] ?? "worker",
    instances = 1,
    onFailure = "reject",
    limits = {},
  } = options;
  const issues: string[] = [];
  if (!Number.isInteger(instances) || instances < 1)
    issues.push(`instances: must be a whole number above 0, not ${instances}`);
  if (!engine.isolations.includes(isolation))
    issues.push(`isolation: the engine cannot be isolated so; it can by ${engine.isolations.join(" or ")}`);
  if (role === "receiver" && isolation === "inline")
    issues.push(
      "isolation: a receiver's loop blocks its thread until shutdown, so it cannot run inline; use worker or process",
    );
  if (role === "receiver" && instances > 1)
    issues.push("instances: a receiver has one instance; more would receive the same data again");
  if (role !== "processor" && onFailure === "pass_through")
    issues.push("on_failure: only a processor can pass data through; use reject or drop");
  if (isolation === "inline")
    for (const name of engine.deadline ? TIMEOUTS : ["callTimeoutMs" as const, ...TIMEOUTS])
      if (limits[name] !== undefined)
        issues.push(
          engine.deadline
            ? `limits: ${name}: what runs inline has callTimeoutMs alone, which holds for start and shutdown, too; use isolation worker, or remove it`
            : `limits: ${name}: the engine cannot end a call that runs inline; use isolation worker, or remove it`,
        );
  if (limits.memoryBytes !== undefined && !engine.memoryLimit)
    issues.push("limits: memoryBytes: the engine cannot limit memory; remove it");
  if (issues.length > 0) throw new ConfigError(issues);
  return {
    isolation,
    instances,
    onFailure,
    limits: { ...DEFAULT_LIMITS, ...limits },
    restart: { ...DEFAULT_RESTART, ...options.restart },
  };
}
