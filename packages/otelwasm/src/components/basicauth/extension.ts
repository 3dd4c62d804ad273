import type { Extension } from "../../component/component.ts";
import type { ExtensionSettings } from "../../component/factory.ts";
import { createClient } from "./client.ts";
import type { BasicAuthConfig } from "./config.ts";
import { createServer } from "./server.ts";

export function createExtension(settings: ExtensionSettings, config: BasicAuthConfig): Extension {
  const { htpasswd, client_auth } = config;
  if (htpasswd !== undefined) return createServer(settings, htpasswd);
  return createClient(settings, client_auth ?? { username: "", password: "" });
}
