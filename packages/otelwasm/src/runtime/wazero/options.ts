import { type ZodType, z } from "zod";
import { BASIC_CAPABILITIES } from "../capabilities.ts";
import type { RuntimeCapabilities } from "../contract.ts";
import { issuesOf } from "../native/options.ts";

/** `runtime_config.wazero` */
export interface WazeroOptions {
  /** Machine code, or none: the interpreter starts at once, and is fifty times slower. */
  readonly mode: "compiled" | "interpreter";
  /** Whether a call can be ended from outside. Where it cannot, code runs a little faster, and nothing but its own process can hold the guest. */
  readonly interruptible: boolean;
  /** The folder where machine code is kept; absent: it is not. */
  readonly cache_dir?: string | undefined;
  /** The file of the engine's library; absent: it is looked for. */
  readonly library?: string | undefined;
}

const schema: ZodType<WazeroOptions> = z
  .strictObject({
    mode: z.enum(["compiled", "interpreter"]).default("compiled"),
    interruptible: z.boolean().default(true),
    cache_dir: z.string().min(1).optional(),
    library: z.string().min(1).optional(),
  })
  .refine(({ mode, cache_dir }) => mode === "compiled" || cache_dir === undefined, {
    path: ["cache_dir"],
    message: "the interpreter makes nothing that could be kept; remove it, or set mode: compiled",
  });

export function wazeroIssues(config: unknown): readonly string[] {
  return issuesOf(schema, config);
}

/** @param config without issues */
export function wazeroOptions(config: unknown): WazeroOptions {
  return schema.parse(config ?? {});
}

export function capabilitiesFor({
  mode = "compiled",
  interruptible = true,
}: Partial<WazeroOptions>): RuntimeCapabilities {
  return {
    ...BASIC_CAPABILITIES,
    isolations: interruptible ? ["worker", "inline", "process"] : ["process"],
    deadline: interruptible,
    interrupt: interruptible,
    memoryLimit: true,
    sharedCompile: true,
    diskCache: mode === "compiled",
    features: {
      ...BASIC_CAPABILITIES.features,
      // A guest that waits for another one of its threads cannot be interrupted.
      threads: !interruptible,
      exceptions: true,
      tailCalls: true,
    },
  };
}
