import type { Socket } from "node:net";
import type { Server } from "node:tls";
import type { Logger } from "../component/logger.ts";
import { Throttle } from "../component/throttle.ts";
import type { ServerTls } from "./tls.ts";
import { TlsFiles } from "./tls-files.ts";

/** The TLS of a server of node:tls or node:https, as it is configured. */
export class ServerSecurity {
  /** For `createServer`. */
  readonly options: { readonly requestCert: boolean; readonly rejectUnauthorized: boolean };
  readonly #files: TlsFiles;
  readonly #logger: Logger;
  readonly #failures: Throttle = new Throttle();
  readonly #sockets: Set<Socket> = new Set();

  /** @param where `tls` stands, for messages */
  constructor(config: ServerTls, where: string, logger: Logger) {
    const mutual = config.client_ca_file !== undefined;
    this.options = { requestCert: mutual, rejectUnauthorized: mutual };
    this.#files = new TlsFiles(config, where, logger);
    this.#logger = logger;
  }

  /**
   * Before `server` listens: gives it its certificates, now and when they change.
   *
   * @throws Error that names the key and the file
   */
  async secure(server: Server): Promise<void> {
    await this.#files.open((options) => server.setSecureContext(options));
    server.setSecureContext(this.#files.options);
    server.on("connection", (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
    });
    server.on("tlsClientError", (error: Error) => this.#report(error));
  }

  /** For when all that have shaken hands are gone: who is still at it would keep the port. */
  destroyAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  close(): void {
    this.#files.close();
  }

  #report(error: Error): void {
    const code = "code" in error && typeof error.code === "string" ? error.code : "";
    // Who only looks whether the port is open says nothing: a probe does so again and again.
    if (code === "ECONNRESET") {
      this.#logger.debug(`TLS handshake failed: ${error.message}`);
      return;
    }
    const times = this.#failures.count(code);
    if (times > 0) this.#logger.warn(`TLS handshake failed: ${error.message}`, { times });
  }
}
