import assert from "node:assert/strict";
// A forward proxy for tests: whatever the host is called, it is this machine.
import { once } from "node:events";
import { createServer, type IncomingMessage, request, type Server } from "node:http";
import { createServer as createSecureServer } from "node:https";
import { connect, type Socket } from "node:net";
import type { Issued } from "./authority.ts";

export class TestProxy {
  /** `CONNECT host:port` and `POST http://host:port/path`, in their order. */
  readonly asked: string[] = [];
  readonly #server: Server;
  readonly #sockets: Set<Socket> = new Set();
  #port = 0;

  /** @param credentials `user:password` that it asks for; `secure`: spoken to over TLS */
  constructor(options: { readonly credentials?: string; readonly secure?: Issued } = {}) {
    const { credentials, secure } = options;
    this.#server = secure === undefined ? createServer() : createSecureServer(secure);
    const welcome = (asking: IncomingMessage): boolean => {
      this.asked.push(`${asking.method} ${asking.url}`);
      const expected = `Basic ${Buffer.from(credentials ?? "").toString("base64")}`;
      return credentials === undefined || asking.headers["proxy-authorization"] === expected;
    };
    this.#server.on("connection", (socket: Socket) => this.#keep(socket));
    this.#server.on("tlsClientError", () => undefined);
    this.#server.on("connect", (asking: IncomingMessage, client: Socket, head: Buffer) => {
      client.on("error", () => client.destroy());
      if (!welcome(asking)) {
        client.end("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n");
        return;
      }
      const server = connect({ host: "127.0.0.1", port: Number(asking.url!.split(":").pop()) }, () => {
        client.write("HTTP/1.1 200 Connection established\r\n\r\n");
        server.write(head);
        client.pipe(server).pipe(client);
      });
      this.#keep(server);
      server.on("error", () => client.destroy());
      server.on("close", () => client.destroy());
      client.on("close", () => server.destroy());
    });
    this.#server.on("request", (asking, answer) => {
      if (!welcome(asking)) {
        answer.writeHead(407).end();
        return;
      }
      const url = new URL(asking.url!);
      const { method, headers } = asking;
      const options = { host: "127.0.0.1", port: url.port, path: url.pathname + url.search, method, headers };
      const onward = request(options, (response) => {
        answer.writeHead(response.statusCode!, response.headers);
        response.pipe(answer);
      });
      onward.on("error", () => answer.writeHead(502).end());
      asking.pipe(onward);
    });
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => this.#sockets.delete(socket));
  }

  /** @returns `host:port` */
  async listen(): Promise<string> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    const address = this.#server.address();
    assert.ok(typeof address === "object" && address !== null);
    this.#port = address.port;
    return `127.0.0.1:${this.#port}`;
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }
}
