import type { Logger } from "../component/logger.ts";
import type { Secure } from "./dial.ts";
import type { ClientTls } from "./tls.ts";
import { TlsFiles } from "./tls-files.ts";

/** An exporter's side of TLS, for all the connections that it makes. */
export class ClientSecurity {
  readonly #config: ClientTls;
  readonly #files: TlsFiles;
  #opened: Promise<void> | undefined;

  /** @param where `tls` stands, for messages */
  constructor(config: ClientTls, where: string, logger: Logger) {
    this.#config = config;
    this.#files = new TlsFiles(config, where, logger);
  }

  /**
   * Reads the files, once, and follows them.
   *
   * @throws Error that names the key and the file
   */
  open(): Promise<void> {
    this.#opened ??= this.#files.open();
    return this.#opened;
  }

  close(): void {
    this.#files.close();
  }

  /**
   * For connections to one server; not used before `open`.
   *
   * @param host a name or an address, which the certificate has to have unless the configuration says another
   */
  secure(host: string, protocol: Secure["protocol"]): Secure {
    return this.#secure(this.#config.server_name_override ?? host, protocol);
  }

  /** The same for a proxy that is spoken to over TLS; `server_name_override` is about the server behind it. */
  secureProxy(host: string): Secure {
    return this.#secure(host, "http/1.1");
  }

  #secure(serverName: string, protocol: Secure["protocol"]): Secure {
    return { context: () => this.#files.context, serverName, verify: !this.#config.insecure_skip_verify, protocol };
  }
}
