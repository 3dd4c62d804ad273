import { type HeaderLookup, unauthenticated } from "../../component/auth.ts";
import type { Extension } from "../../component/component.ts";
import type { ExtensionSettings } from "../../component/factory.ts";
import { WatchedFiles } from "../../transport/watched-files.ts";
import type { HtpasswdConfig } from "./config.ts";
import { parseHtpasswd, type Users } from "./htpasswd.ts";
import { Verifier } from "./verifier.ts";

/** The Collector reads the file once. */
const LOOK_MS = 1_000;
const SCHEME = /^basic (.*)$/i;
/** Padded as it must be: what Node reads leniently is not let through. */
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A name and a password: https://www.rfc-editor.org/rfc/rfc7617 */
function credentialsOf(header: string | undefined): [user: string, password: string] {
  if (header === undefined || header === "") throw unauthenticated("no basic auth provided");
  const encoded = SCHEME.exec(header)?.[1];
  if (encoded === undefined) throw unauthenticated("invalid authorization scheme prefix");
  const text = BASE64.test(encoded) ? decode(Buffer.from(encoded, "base64")) : undefined;
  const colon = text?.indexOf(":") ?? -1;
  if (text === undefined || colon < 0) throw unauthenticated("invalid authorization format");
  return [text.slice(0, colon), text.slice(colon + 1)];
}

function decode(bytes: Buffer): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}

/** The half that lets in. */
export function createServer({ id, logger }: ExtensionSettings, { file, inline }: HtpasswdConfig): Extension {
  const verifier = new Verifier();
  const where = `extensions::${id}::htpasswd::file: ${JSON.stringify(file)}`;
  const read = (contents: readonly Buffer[]): Users => {
    let inFile: Users = new Map();
    try {
      inFile = parseHtpasswd(contents.map((each) => each.toString()).join("\n"));
    } catch (cause) {
      throw new Error(`${where}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    }
    // What stands in the configuration comes last, and so counts.
    return new Map([...inFile, ...parseHtpasswd(inline ?? "")]);
  };
  const files = new WatchedFiles(
    file === undefined ? [] : [file],
    LOOK_MS,
    (contents) => {
      try {
        verifier.replace(read(contents));
        logger.info("The file with users and passwords has changed", { file });
      } catch (error) {
        keep(error);
      }
    },
    (error) => keep(error),
  );
  const keep = (error: unknown): void => {
    const reason = error instanceof Error ? error.message : String(error);
    logger.error(`Users and passwords cannot be read again, those from before stay in use: ${reason}`);
  };
  const check = (right: boolean): void => {
    if (!right) throw unauthenticated("invalid credentials");
  };
  return {
    async start() {
      const contents = await files.open().catch((cause: unknown) => {
        throw new Error(
          `extensions::${id}::htpasswd::file: ${cause instanceof Error ? cause.message : String(cause)}`,
          { cause },
        );
      });
      try {
        verifier.replace(read(contents));
      } catch (error) {
        files.close();
        throw error;
      }
    },
    async shutdown() {
      files.close();
      await verifier.close();
    },
    serverAuthenticator: {
      challenge: 'Basic realm="otelwasm", charset="UTF-8"',
      authenticate(header: HeaderLookup): void | Promise<void> {
        const right = verifier.verify(...credentialsOf(header("authorization")));
        if (typeof right === "boolean") check(right);
        else return right.then(check);
      },
    },
  };
}
