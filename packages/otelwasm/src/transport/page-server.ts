import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createHttpsServer, Server as HttpsServer } from "node:https";
import type { ListenAddress, Ports } from "../component/ports.ts";
import { listen, urlOf } from "./listen.ts";
import type { ServerSecurity } from "./tls-server.ts";

/** What a page answers. */
export interface Page {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

/** When the server closes, how long clients that are connected have to ask. */
const SILENCE_MS = 250;

/** One page over HTTP, for people, probes and scrapers: GET and HEAD of its path; 404 for other paths, 405 for other methods. */
export class PageServer {
  readonly #server: Server;
  readonly #security: ServerSecurity | undefined;
  readonly #render: () => Page | Promise<Page>;
  readonly #answering = new Set<Promise<void>>();
  #closing = false;
  /** Begins with `/`. */
  path: string;

  /**
   * @param path begins with `/`
   * @param render asked for each request; what it throws is answered with 500
   * @param security for HTTPS
   */
  constructor(path: string, render: () => Page | Promise<Page>, security?: ServerSecurity) {
    this.path = path;
    this.#render = render;
    this.#security = security;
    const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
      const answered = this.#answer(request, response).finally(() => this.#answering.delete(answered));
      this.#answering.add(answered);
    };
    this.#server = security === undefined ? createServer(onRequest) : createHttpsServer(security.options, onRequest);
  }

  /** @returns the page's URL, with the port that was bound @throws Error that says why the address, or a certificate, cannot be had */
  async listen(address: ListenAddress, ports?: Ports): Promise<string> {
    if (this.#server instanceof HttpsServer) await this.#security?.secure(this.#server);
    const scheme = this.#security === undefined ? "http" : "https";
    const url = urlOf(scheme, address, await listen(this.#server, address, ports));
    return "path" in address ? url : `${url}${this.path}`;
  }

  /** Closes the port at once, and every connection when what was asked has been answered. Allowed without `listen`. */
  async close(): Promise<void> {
    this.#security?.close();
    this.#closing = true;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    // Who has just connected is about to ask.
    const { promise: silence, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, SILENCE_MS);
    await Promise.race([closed, silence]);
    clearTimeout(timer);
    await Promise.all(this.#answering);
    this.#server.closeAllConnections();
    this.#security?.destroyAll();
    await closed;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { status, contentType, body, headers = {} } = await this.#pageFor(request);
    const done = new Promise<void>((resolve) => {
      response.once("finish", resolve);
      response.once("close", resolve);
    });
    const bytes = Buffer.from(body);
    if (this.#closing) response.shouldKeepAlive = false;
    response.writeHead(status, { "content-type": contentType, "content-length": bytes.length, ...headers });
    response.end(request.method === "HEAD" ? undefined : bytes);
    await done;
  }

  async #pageFor({ url, method }: IncomingMessage): Promise<Page & { readonly headers?: Record<string, string> }> {
    const plain = { contentType: "text/plain; charset=utf-8" };
    if (url?.split("?", 1)[0] !== this.path) return { status: 404, ...plain, body: "404 not found\n" };
    if (method !== "GET" && method !== "HEAD") {
      return { status: 405, ...plain, body: "405 method not allowed\n", headers: { allow: "GET, HEAD" } };
    }
    try {
      return await this.#render();
    } catch (error) {
      return { status: 500, ...plain, body: `${error instanceof Error ? error.message : String(error)}\n` };
    }
  }
}
