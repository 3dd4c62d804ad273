import * as z from "zod";
import { secret } from "../../config/values.ts";

export interface BearerTokenConfig {
  /** The header's name in lower case. */
  readonly header: string;
  /** Empty: the token stands alone. */
  readonly scheme: string;
  readonly token?: string | undefined;
  readonly tokens: readonly string[];
  readonly filename?: string | undefined;
}

const TEXT = /^[\t\x20-\x7e\x80-\xff]*$/;
const token = z.string().regex(TEXT, "has characters that a header cannot have");

/** `extensions::bearertokenauth` as the Collector's `bearertokenauthextension` has it. */
export const schema: z.ZodType<BearerTokenConfig> = z
  .strictObject({
    header: z
      .string()
      .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, "is not a header's name")
      .default("Authorization")
      .transform((name) => name.toLowerCase()),
    scheme: z.string().regex(TEXT, "has characters that a header cannot have").default("Bearer"),
    token: secret(token).optional(),
    tokens: secret(z.array(token.regex(/\S/, "is empty"))).default([]),
    filename: z.string().optional(),
  })
  .transform((config) => ({
    ...config,
    token: config.token?.trim() === "" ? undefined : config.token,
    filename: config.filename === "" ? undefined : config.filename,
  }))
  .superRefine(({ token, tokens, filename }, context) => {
    if (token === undefined && tokens.length === 0 && filename === undefined)
      context.addIssue({ code: "custom", message: "no bearer token provided: set token, tokens or filename" });
    if (token !== undefined && tokens.length > 0)
      context.addIssue({
        code: "custom",
        path: ["tokens"],
        message: "either tokens or token should be provided, not both",
      });
  });
