import * as z from "zod";

export type NopConfig = Readonly<Record<string, never>>;

/** `receivers::nop` and `exporters::nop` have no settings. */
export const schema: z.ZodType<NopConfig> = z.strictObject({});
