import { hash, timingSafeEqual } from "node:crypto";
import { type HeaderLookup, unauthenticated } from "../../component/auth.ts";
import type { Extension } from "../../component/component.ts";
import { ConsumerError } from "../../component/errors.ts";
import type { ExtensionSettings } from "../../component/factory.ts";
import { Credential } from "../../transport/credential.ts";
import type { BearerTokenConfig } from "./config.ts";

/** What the tokens come down to, made anew when they change. */
interface Values {
  /** Hashes are of one length, so that comparing them tells nothing, not even a length. */
  readonly digests: readonly Buffer[];
  readonly headers: Readonly<Record<string, string>> | undefined;
}

function digest(text: string): Buffer {
  return hash("sha256", text, "buffer");
}

/** A token for each line: what follows a space is a remark. */
function tokensOf(text: string): readonly string[] {
  return text.split("\n").flatMap((line) => line.trim().split(/\s+/, 1)[0] || []);
}

function valuesOf({ header, scheme }: BearerTokenConfig, tokens: readonly string[]): Values {
  const texts = tokens.map((token) => (scheme === "" ? token : `${scheme} ${token}`));
  const [first] = texts;
  return {
    digests: texts.map(digest),
    // A server takes any of them, a client shows the first.
    headers: first === undefined ? undefined : Object.freeze({ [header]: first }),
  };
}

export function createExtension({ id, logger }: ExtensionSettings, config: BearerTokenConfig): Extension {
  const { header, scheme, tokens, token, filename } = config;
  const credential = new Credential(
    // As in the Collector, a list comes before a file, and a file before a single token.
    tokens.length > 0 ? {} : { text: token, file: filename },
    `extensions::${id}::filename`,
    logger,
    () => {
      values = read();
    },
  );
  const read = (): Values => valuesOf(config, tokens.length > 0 ? tokens : tokensOf(credential.value));
  let values = read();
  return {
    async start() {
      if (filename !== undefined && (token !== undefined || tokens.length > 0)) {
        const ignored = tokens.length > 0 ? "filename" : "token";
        logger.warn(`There is both a file and a token in the configuration: ${ignored} is ignored`);
      }
      await credential.open();
      values = read();
    },
    async shutdown() {
      credential.close();
    },
    serverAuthenticator: {
      challenge: scheme === "" ? "Bearer" : scheme,
      authenticate(lookup: HeaderLookup): void {
        const presented = lookup(header);
        if (presented === undefined || presented === "")
          throw unauthenticated(`missing or empty authorization header: ${header}`);
        const shown = digest(presented);
        let found = false;
        // All are looked at, whichever it is.
        for (const each of values.digests) if (timingSafeEqual(each, shown)) found = true;
        if (!found) throw unauthenticated("provided authorization does not match expected scheme or token");
      },
    },
    clientAuthenticator: {
      headers(): Readonly<Record<string, string>> {
        if (values.headers === undefined) throw ConsumerError.retryable(`${id} has no token`);
        return values.headers;
      },
    },
  };
}
