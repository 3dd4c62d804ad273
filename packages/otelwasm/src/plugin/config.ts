import { type ZodType, z } from "zod";
import { byteSize, positiveDuration } from "../config/values.ts";
import { ISOLATIONS, type Isolation } from "../runtime/contract.ts";
import { capabilitiesOf, type RuntimeConfig, validate } from "../runtime/registry.ts";
import { type GrantsConfig, grantKeys } from "./grants-config.ts";
import { ON_FAILURE, type OnFailure } from "./options.ts";
import type { PluginRole } from "./requirements.ts";
import "../runtime/engines.ts";

/** What a component's configuration says about its plugin. Durations are milliseconds; what is not there has the plugin's default. */
export interface PluginConfig extends GrantsConfig {
  /** The module's file. */
  readonly path: string;
  /** Handed to the guest as it stands, as JSON. */
  readonly plugin_config?: unknown;
  readonly runtime_config?: RuntimeConfig | undefined;
  /** Where the guest runs. Default: what the engine's capabilities name first. */
  readonly isolation?: Isolation | undefined;
  /** How many instances share the work. Default 1. */
  readonly instances?: number | undefined;
  readonly limits?: LimitsConfig | undefined;
  /** What becomes of data while the plugin is broken. Default `reject`. */
  readonly on_failure?: OnFailure | undefined;
  readonly restart?: RestartConfig | undefined;
}

interface LimitsConfig {
  /** For each `consume_X`. */
  readonly call_timeout?: number | undefined;
  /** Bytes that the linear memory may grow to. */
  readonly memory?: number | undefined;
  /** For instantiation, `_initialize` and `start` together. */
  readonly start_timeout?: number | undefined;
  /** For a receiver's loop to end and for `shutdown`. */
  readonly shutdown_timeout?: number | undefined;
  /** Bytes of one `set_result_X`. */
  readonly max_result_bytes?: number | undefined;
}

interface RestartConfig {
  /** Before the second restart; the first comes at once. */
  readonly initial_interval?: number | undefined;
  readonly max_interval?: number | undefined;
  /** So many within `window`; one more, and the component is failed. */
  readonly max_restarts?: number | undefined;
  readonly window?: number | undefined;
}

/** Something that the schema allows and a role does not. */
interface Refusal {
  readonly path: readonly string[];
  readonly refuses: (value: unknown) => boolean;
  readonly why: string;
}

const given = (value: unknown): boolean => value !== undefined;

/** Of the roles that no world is there for. */
const NO_COMPONENT: Refusal = {
  path: ["runtime_config", "features", "component_model"],
  refuses: (value) => value === true,
  why: "a component can be a processor only; remove it",
};

/** What the three roles have not in common. */
const REFUSALS: Readonly<Record<PluginRole, readonly Refusal[]>> = {
  receiver: [
    NO_COMPONENT,
    {
      path: ["isolation"],
      refuses: (value) => value === "inline",
      why: "a receiver cannot run inline: start_X_receiver blocks its thread until shutdown, and that must not be the thread of the pipelines; remove it, or set worker or process",
    },
    {
      path: ["instances"],
      refuses: (value) => typeof value === "number" && value > 1,
      why: "a receiver has one instance: a second would receive the same data again; name the receiver twice (wasm/a, wasm/b) to run the plugin twice",
    },
    {
      path: ["limits", "call_timeout"],
      refuses: given,
      why: "a receiver's call lasts until shutdown; shutdown_timeout says how long it may take to end",
    },
    {
      path: ["on_failure"],
      refuses: given,
      why: "a receiver is handed no data that it could reject or drop; restart says what happens when it fails",
    },
  ],
  processor: [],
  exporter: [
    NO_COMPONENT,
    {
      path: ["on_failure"],
      refuses: (value) => value === "pass_through",
      why: "an exporter is the last of its pipeline: there is nothing to pass data on to; use reject or drop",
    },
  ],
};

/** The longest that a timer of Node.js can wait. */
const MAX_TIMER_MS = 2 ** 31 - 1;
/** All that 32-bit pointers reach. */
const MAX_MEMORY = 4 * 1024 ** 3;
const PAGE = 64 * 1024;

function time(): ZodType<number | undefined> {
  return positiveDuration()
    .refine((milliseconds) => milliseconds <= MAX_TIMER_MS, "must be at most 24 days")
    .optional();
}

function size(min: number): ZodType<number | undefined> {
  return byteSize({ min })
    .refine((bytes) => bytes <= MAX_MEMORY, "must be at most 4GiB: pointers of the ABI are 32-bit")
    .optional();
}

/** Engines check their own options, so that an engine that another package registers can have any; issues keep the whole path. */
const runtimeConfigSchema: ZodType<RuntimeConfig> = z
  .looseObject({ type: z.string().min(1).optional() })
  .superRefine((config, context) => {
    for (const issue of validate(config as RuntimeConfig)) {
      const colon = issue.indexOf(": ");
      context.addIssue({
        code: "custom",
        path: issue.slice(0, colon).split("::"),
        message: issue.slice(colon + 2),
      });
    }
  }) as ZodType<RuntimeConfig>;

const keys = z.strictObject({
  ...grantKeys,
  path: z.string().min(1, "must name the plugin's file"),
  plugin_config: z.unknown().optional(),
  runtime_config: runtimeConfigSchema.optional(),
  isolation: z.enum(ISOLATIONS).optional(),
  instances: z.int().min(1).max(256).optional(),
  limits: z
    .strictObject({
      call_timeout: time(),
      memory: size(PAGE),
      start_timeout: time(),
      shutdown_timeout: time(),
      max_result_bytes: size(1),
    })
    .optional(),
  on_failure: z.enum(ON_FAILURE).optional(),
  restart: z
    .strictObject({
      initial_interval: time(),
      max_interval: time(),
      max_restarts: z.int().min(0).optional(),
      window: time(),
    })
    .optional(),
});

/** The keys of the component `wasm`, as they are for one role. What the engine cannot do is refused here. */
export function pluginConfigSchema(role: PluginRole): ZodType<PluginConfig>;
/** @param more keys that the component has beside those of its plugin */
export function pluginConfigSchema<M extends Readonly<Record<string, ZodType>>>(
  role: PluginRole,
  more: M,
): ZodType<PluginConfig & { [K in keyof M]: z.output<M[K]> }>;
export function pluginConfigSchema(role: PluginRole, more: Readonly<Record<string, ZodType>> = {}): ZodType {
  return (keys.extend(more) as typeof keys).superRefine((config, context) => {
    for (const { path, why } of problemsOf(config as PluginConfig, role))
      context.addIssue({ code: "custom", path: [...path], message: why });
  });
}

interface ConfigProblem {
  readonly path: readonly string[];
  readonly why: string;
}

function problemsOf(config: PluginConfig, role: PluginRole): ConfigProblem[] {
  const refused = REFUSALS[role].filter(({ path, refuses }) => refuses(at(config, path)));
  // Of two reasons against one key, the role's is the one that no other setting mends.
  const others = [...inlineProblems(config), ...engineProblems(config)].filter(
    (problem) => !refused.some(({ path }) => path.join() === problem.path.join()),
  );
  return [...refused, ...others, ...restartProblems(config.restart)];
}

/** What only a thread or a process of its own keeps. On the thread of the pipelines `call_timeout` holds for every call, where the engine itself can end one. */
const TIMED = ["start_timeout", "shutdown_timeout"] as const;

function inlineProblems({ isolation, instances, limits, runtime_config }: PluginConfig): ConfigProblem[] {
  if (isolation !== "inline") return [];
  const problems: ConfigProblem[] = [];
  if (instances !== undefined && instances > 1)
    problems.push({
      path: ["instances"],
      why: "instances that run inline share one thread, so more than one is no faster; set isolation: worker",
    });
  const engine = capabilitiesOf(runtime_config);
  const deadline = engine?.capabilities.deadline ?? true;
  for (const key of deadline ? TIMED : ["call_timeout" as const, ...TIMED])
    if (limits?.[key] !== undefined)
      problems.push({
        path: ["limits", key],
        why: deadline
          ? "what runs inline has call_timeout alone, which holds for start and shutdown, too; set isolation: worker, or remove the limit"
          : `the engine "${engine?.type}" cannot end a call that runs inline; set isolation: worker, or remove the limit`,
      });
  return problems;
}

function engineProblems({ isolation, limits, runtime_config }: PluginConfig): ConfigProblem[] {
  const engine = capabilitiesOf(runtime_config);
  if (engine === undefined) return [];
  const { isolations, memoryLimit } = engine.capabilities;
  const problems: ConfigProblem[] = [];
  if (isolation !== undefined && !isolations.includes(isolation))
    problems.push({
      path: ["isolation"],
      why: `the engine "${engine.type}", as it is configured, cannot run so; it can with ${isolations.join(" or ")}`,
    });
  if (!memoryLimit && limits?.memory !== undefined)
    problems.push({
      path: ["limits", "memory"],
      why: `the engine "${engine.type}" cannot limit memory; remove the limit`,
    });
  return problems;
}

function restartProblems(restart: RestartConfig | undefined): ConfigProblem[] {
  const { initial_interval: initial, max_interval: max } = restart ?? {};
  if (initial === undefined || max === undefined || initial <= max) return [];
  return [{ path: ["restart", "max_interval"], why: "must not be less than initial_interval" }];
}

function at(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (found, key) => (typeof found === "object" && found !== null ? Reflect.get(found, key) : undefined),
    value,
  );
}
