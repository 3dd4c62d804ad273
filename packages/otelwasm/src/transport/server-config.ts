// Keys that the configurations of servers share, with the Collector's names: `confignet`, `configgrpc`, `confighttp`, `configauth`.
import * as z from "zod";
import type { ServerAuthenticator } from "../component/auth.ts";
import { ConfigError } from "../component/errors.ts";
import type { Host } from "../component/factory.ts";
import type { ListenAddress } from "../component/ports.ts";
import { parseHostPort } from "../config/values.ts";

const TRANSPORTS = ["tcp", "tcp4", "tcp6", "unix"] as const;
type Transport = (typeof TRANSPORTS)[number];

/** A path as one writes it; another name for a Unix socket needs `./` before it. */
const PATH = /^(?:unix:|[@./])/;

/** `endpoint` and `transport`, to be made an address by `listenAddress`. */
export function addressKeys(standard: string): {
  readonly endpoint: z.ZodType<string>;
  readonly transport: z.ZodType<Transport>;
} {
  return {
    endpoint: z
      .string()
      .superRefine((text, context) => {
        if (parseHostPort(text) === undefined && !PATH.test(text))
          context.addIssue({ code: "custom", message: notAnAddress(text) });
      })
      .default(standard),
    transport: z.enum(TRANSPORTS).default("tcp"),
  };
}

function notAnAddress(endpoint: string): string {
  return `${JSON.stringify(endpoint)} is not host:port, for example "localhost:4317" or "0.0.0.0:4317"`;
}

interface Address {
  readonly endpoint: string;
  readonly transport: Transport;
}

/** For `transform` of a map with `addressKeys`: the map with `endpoint` as an address. */
export function listenAddress<T extends Address>(
  config: T,
  context: z.core.$RefinementCtx,
): Omit<T, keyof Address> & { readonly endpoint: ListenAddress } {
  const { endpoint, transport, ...rest } = config;
  const found = addressOf(endpoint, transport);
  if (typeof found !== "string") return { ...rest, endpoint: found };
  context.addIssue({ code: "custom", path: ["endpoint"], message: found });
  return z.NEVER;
}

/** @returns what is wrong, if something is */
function addressOf(endpoint: string, transport: Transport): ListenAddress | string {
  const scheme = /^unix:(?:\/\/)?/.exec(endpoint)?.[0];
  if (transport === "unix" || scheme !== undefined) {
    const path = endpoint.slice(scheme?.length ?? 0);
    return path === "" ? "unix socket path cannot be empty" : { path };
  }
  const address = parseHostPort(endpoint);
  if (address === undefined) return `${notAnAddress(endpoint)}; a path needs transport: unix`;
  return transport === "tcp" ? address : { ...address, family: transport === "tcp4" ? 4 : 6 };
}

/** What the Collector tells the network's library about its buffers. Node.js has its own ways there: taken, without an effect. */
export const bufferSize: z.ZodType<number | undefined> = z.int().min(0).optional();

/**
 * The extension that `auth::authenticator` names.
 *
 * @param where `auth` stands
 * @throws ConfigError if there is none, or it is for exporters
 */
export function serverAuthenticator(host: Host, id: string, where: string): ServerAuthenticator {
  const extension = host.extension(id);
  const problem = (text: string): ConfigError => new ConfigError([`${where}::authenticator: ${text}`]);
  if (extension === undefined) {
    throw problem(
      `failed to resolve authenticator ${JSON.stringify(id)}: authenticator not found; it has to be in service::extensions`,
    );
  }
  if (extension.serverAuthenticator === undefined)
    throw problem(`${JSON.stringify(id)} is not a server authenticator: it cannot tell who may send`);
  return extension.serverAuthenticator;
}
