import * as z from "zod";

export type ForwardConfig = Readonly<Record<string, never>>;

/** `connectors::forward` has no settings. */
export const schema: z.ZodType<ForwardConfig> = z.strictObject({});
