// Keys that the configurations of clients share, with the Collector's names: `confighttp`, `configgrpc`, `configauth`.
import * as z from "zod";
import type { ClientAuthenticator } from "../component/auth.ts";
import { ConfigError, ConsumerError } from "../component/errors.ts";
import type { ComponentSettings } from "../component/factory.ts";
import { duration } from "../config/values.ts";
import { isHeaderValue } from "./exporting.ts";
import { type HttpProxy, parseProxy } from "./proxy.ts";

export type Credentials = Readonly<Record<string, string>>;

export interface Auth {
  /** The id of an extension. */
  readonly authenticator: string;
}

export function auth(): z.ZodType<Auth | undefined> {
  return z.strictObject({ authenticator: z.string().min(1) }).optional();
}

/**
 * The extension that `auth` names.
 *
 * @throws ConfigError if there is none, or it is for receivers
 */
export function clientAuthenticator(
  settings: ComponentSettings,
  auth: Auth | undefined,
): ClientAuthenticator | undefined {
  if (auth === undefined) return undefined;
  const { authenticator: id } = auth;
  const where = `exporters::${settings.id}::auth::authenticator`;
  const extension = settings.host.extension(id);
  if (extension === undefined) {
    throw new ConfigError([
      `${where}: failed to resolve authenticator ${JSON.stringify(id)}: authenticator not found; it has to be in service::extensions`,
    ]);
  }
  if (extension.clientAuthenticator === undefined) {
    throw new ConfigError([
      `${where}: ${JSON.stringify(id)} is not a client authenticator: it cannot vouch for what is sent`,
    ]);
  }
  return extension.clientAuthenticator;
}

/**
 * The headers that an authenticator gives for the next request: the same object as before while nothing has changed.
 *
 * @throws ConsumerError retryable, if there are none now or they cannot be sent
 */
export function credentialsOf(authenticator: ClientAuthenticator, before: Credentials | undefined): Credentials {
  const headers = authenticator.headers();
  if (headers === before) return before;
  for (const [name, value] of Object.entries(headers)) {
    if (isHeaderValue(value)) continue;
    throw ConsumerError.retryable(`the authenticator's ${name} has characters that a header cannot have`);
  }
  return headers;
}

export function proxyUrl(): z.ZodType<HttpProxy | undefined> {
  return z
    .string()
    .transform((text, context) => {
      if (text === "") return undefined;
      try {
        // Also for whoever redacts the credentials of URLs: they are found behind a scheme.
        if (!text.includes("://")) throw new Error('needs a scheme, for example "http://proxy:3128"');
        return parseProxy(text);
      } catch (cause) {
        context.addIssue({ code: "custom", message: cause instanceof Error ? cause.message : String(cause) });
        return z.NEVER;
      }
    })
    .optional();
}

const MAX_READ_BUFFER = 16 * 1024 * 1024;

/** Bytes that are read from a connection at once; 0: the default. */
export function readBufferSize(): z.ZodType<number | undefined> {
  return z
    .int()
    .min(0)
    .max(MAX_READ_BUFFER)
    .optional()
    .transform((bytes) => bytes || undefined);
}

/** Taken, and with nothing to do: what is written in one turn of the event loop goes to the system at once, whatever its size. */
export function writeBufferSize(): z.ZodType<number | undefined> {
  return z.int().min(0).optional();
}

export function middlewares(): z.ZodType<readonly unknown[]> {
  return z.array(z.unknown()).max(0, "there are no middleware extensions in this version").default([]);
}

/** 0, as a number or a duration. */
export function onlyZero(sentence: string): z.ZodType<number> {
  return duration()
    .refine((milliseconds) => milliseconds === 0, sentence)
    .default(0);
}
