import * as z from "zod";
import { secret } from "../../config/values.ts";
import { HtpasswdError, parseHtpasswd } from "./htpasswd.ts";

export interface HtpasswdConfig {
  readonly file?: string | undefined;
  readonly inline?: string | undefined;
}

export interface ClientAuthConfig {
  readonly username: string;
  readonly username_file?: string | undefined;
  readonly password: string;
  readonly password_file?: string | undefined;
}

/** Exactly one of the two. */
export interface BasicAuthConfig {
  readonly htpasswd?: HtpasswdConfig | undefined;
  readonly client_auth?: ClientAuthConfig | undefined;
}

const text = z
  .string()
  .optional()
  .transform((value) => (value === "" ? undefined : value));

const htpasswd = z
  .strictObject({ file: text, inline: secret(z.string()).optional() })
  .superRefine(({ file, inline }, context) => {
    if (file === undefined && (inline === undefined || inline.trim() === ""))
      context.addIssue({ code: "custom", message: "no credential source provided: set file or inline" });
    try {
      parseHtpasswd(inline ?? "");
    } catch (error) {
      if (!(error instanceof HtpasswdError)) throw error;
      context.addIssue({ code: "custom", path: ["inline"], message: error.message });
    }
  });

const username = z.string().regex(/^[^:]*$/, "must not have a colon");

const client = z
  .strictObject({
    username: username.default(""),
    username_file: text,
    password: secret(z.string()).default(""),
    password_file: text,
    aws_secrets_manager: z.undefined({ error: "is not supported: use username_file and password_file" }).optional(),
  })
  .transform(({ aws_secrets_manager: _, ...config }) => config);

/** `extensions::basicauth` as the Collector's `basicauthextension` has it: an extension is for a server or for a client. */
export const schema: z.ZodType<BasicAuthConfig> = z
  .strictObject({ htpasswd: htpasswd.optional(), client_auth: client.optional() })
  .superRefine((config, context) => {
    if ((config.htpasswd === undefined) === (config.client_auth === undefined))
      context.addIssue({
        code: "custom",
        message:
          config.htpasswd === undefined
            ? "no credential source provided: set htpasswd or client_auth"
            : "only one of `htpasswd` or `client_auth` can be specified",
      });
  });
