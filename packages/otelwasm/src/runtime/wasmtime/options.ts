import { type ZodType, z } from "zod";
import { BASIC_CAPABILITIES } from "../capabilities.ts";
import type { RuntimeCapabilities } from "../contract.ts";
import { issuesOf } from "../native/options.ts";

/** `runtime_config.wasmtime`: https://docs.wasmtime.dev/api/wasmtime/struct.Config.html has what each means. */
export interface WasmtimeOptions {
  readonly strategy: "cranelift";
  readonly opt_level: "none" | "speed" | "speed_and_size";
  /** Units for each call into the guest, about one for an instruction; absent: they are not counted, which is faster. */
  readonly fuel?: number | undefined;
  /** The folder where compiled modules are kept; absent: they are not. */
  readonly cache_dir?: string | undefined;
  /** The file of the engine's library; absent: it is looked for. */
  readonly library?: string | undefined;
}

const schema: ZodType<WasmtimeOptions> = z.strictObject({
  strategy: z.enum(["cranelift"]).default("cranelift"),
  opt_level: z.enum(["none", "speed", "speed_and_size"]).default("speed"),
  fuel: z.int().min(1).max(Number.MAX_SAFE_INTEGER).optional(),
  cache_dir: z.string().min(1).optional(),
  library: z.string().min(1).optional(),
});

export function wasmtimeIssues(config: unknown): readonly string[] {
  return issuesOf(schema, config);
}

/** @param config without issues */
export function wasmtimeOptions(config: unknown): WasmtimeOptions {
  return schema.parse(config ?? {});
}

export function capabilitiesFor({ fuel }: Partial<WasmtimeOptions>): RuntimeCapabilities {
  return {
    ...BASIC_CAPABILITIES,
    isolations: ["worker", "inline", "process"],
    deadline: true,
    interrupt: true,
    memoryLimit: true,
    fuel: fuel !== undefined,
    sharedCompile: true,
    diskCache: true,
    features: {
      ...BASIC_CAPABILITIES.features,
      threads: true,
      exceptions: true,
      gc: true,
      memory64: true,
      tailCalls: true,
    },
    components: "native",
  };
}
