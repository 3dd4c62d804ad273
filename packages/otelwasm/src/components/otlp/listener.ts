import type { ServerAuthenticator } from "../../component/auth.ts";
import type { ComponentSettings } from "../../component/factory.ts";
import type { Logger } from "../../component/logger.ts";
import { serverAuthenticator } from "../../transport/server-config.ts";
import type { AuthConfig } from "./config.ts";

/** What a protocol's server is told about itself. */
export interface ListenerSettings {
  readonly authenticator: ServerAuthenticator | undefined;
  /** Its place in the configuration, for messages. */
  readonly where: string;
  readonly logger: Logger;
}

/** @throws ConfigError if `auth` names no authenticator */
export function listenerSettings(
  { id, host, logger }: ComponentSettings,
  protocol: string,
  auth: AuthConfig | undefined,
): ListenerSettings {
  const where = `receivers::${id}::protocols::${protocol}`;
  const authenticator = auth && serverAuthenticator(host, auth.authenticator, `${where}::auth`);
  return { authenticator, where, logger };
}
