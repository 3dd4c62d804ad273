import type { Extension } from "../../component/component.ts";
import { ConsumerError } from "../../component/errors.ts";
import type { ExtensionSettings } from "../../component/factory.ts";
import { Credential } from "../../transport/credential.ts";
import type { ClientAuthConfig } from "./config.ts";

/** The half that is let in. */
export function createClient({ id, logger }: ExtensionSettings, config: ClientAuthConfig): Extension {
  const where = `extensions::${id}::client_auth`;
  const changed = (): void => {
    headers = read();
  };
  const username = new Credential(
    { text: config.username, file: config.username_file },
    `${where}::username_file`,
    logger,
    changed,
  );
  const password = new Credential(
    { text: config.password, file: config.password_file },
    `${where}::password_file`,
    logger,
    changed,
  );
  const read = (): Readonly<Record<string, string>> | undefined =>
    username.value.includes(":")
      ? undefined
      : Object.freeze({
          authorization: `Basic ${Buffer.from(`${username.value}:${password.value}`).toString("base64")}`,
        });
  let headers = read();
  return {
    async start() {
      await username.open();
      await password.open();
      headers = read();
      if (headers === undefined)
        throw new Error(`${where}::username_file: ${JSON.stringify(config.username_file)} has a colon`);
    },
    async shutdown() {
      username.close();
      password.close();
    },
    clientAuthenticator: {
      headers(): Readonly<Record<string, string>> {
        if (headers === undefined) throw ConsumerError.retryable(`${id}: the username has a colon`);
        return headers;
      },
    },
  };
}
