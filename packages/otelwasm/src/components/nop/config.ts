import * as z from "zod";

export type NopExporterConfig = Readonly<Record<string, never>>;

/** `exporters::nop` has no settings. */
export const schema: z.ZodType<NopExporterConfig> = z.strictObject({});
