import { type ZodType, z } from "zod";
import { BASIC_CAPABILITIES } from "../capabilities.ts";
import type { RuntimeCapabilities } from "../contract.ts";
import { issuesOf } from "../native/options.ts";

/** `runtime_config.wasmedge` */
export interface WasmEdgeOptions {
  /** `interpreter` runs a module as it stands. `aot` compiles it to machine code before: once, as what comes out is kept in a folder. */
  readonly mode: "interpreter" | "aot";
  /** How hard the compiler tries, for `mode: aot`. */
  readonly opt_level?: 0 | 1 | 2 | 3 | undefined;
  /** The folder for what was compiled, for `mode: aot`: of this user alone. Absent: `~/.cache/otelwasm/wasmedge`. */
  readonly cache_dir?: string | undefined;
  /** The file of the engine's library; absent: it is looked for. */
  readonly library?: string | undefined;
}

const onlyAot = { error: "only for mode: aot" } as const;

const schema: ZodType<WasmEdgeOptions> = z
  .strictObject({
    mode: z.enum(["interpreter", "aot"]).default("interpreter"),
    opt_level: z.literal([0, 1, 2, 3]).optional(),
    cache_dir: z.string().min(1).optional(),
    library: z.string().min(1).optional(),
  })
  .refine(({ mode, opt_level }) => mode === "aot" || opt_level === undefined, { ...onlyAot, path: ["opt_level"] })
  .refine(({ mode, cache_dir }) => mode === "aot" || cache_dir === undefined, { ...onlyAot, path: ["cache_dir"] });

export function wasmedgeIssues(config: unknown): readonly string[] {
  return issuesOf(schema, config);
}

/** @param config without issues */
export function wasmedgeOptions(config: unknown): WasmEdgeOptions {
  return schema.parse(config ?? {});
}

/** Where it has no memory left the engine ends its process, and the traps of what it compiled take the signal from those of V8: therefore only in one of its own, whose end is also what stops a call. */
export function capabilitiesFor({ mode }: Partial<WasmEdgeOptions>): RuntimeCapabilities {
  return {
    ...BASIC_CAPABILITIES,
    isolations: ["process"],
    memoryLimit: true,
    sharedCompile: true,
    diskCache: mode === "aot",
    // Compiled code finds its own frames by variables of the thread, which a call inside it leaves as its own: https://github.com/WasmEdge/WasmEdge/pull/3969
    nestedCalls: mode !== "aot",
    features: {
      ...BASIC_CAPABILITIES.features,
      threads: true,
      tailCalls: true,
    },
  };
}
