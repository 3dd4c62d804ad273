import { createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type TLSSocket, Server as TlsServer } from "node:tls";
import type { ServerAuthenticator } from "../../component/auth.ts";
import type { Logger } from "../../component/logger.ts";
import type { Ports } from "../../component/ports.ts";
import { Deadlines } from "../../transport/deadlines.ts";
import { Http2Connection } from "../../transport/http2/connection.ts";
import type { ConnectionHandler } from "../../transport/http2/stream.ts";
import { listen, urlOf } from "../../transport/listen.ts";
import { ServerSecurity } from "../../transport/tls-server.ts";
import type { GrpcConfig } from "./config.ts";
import { Call } from "./grpc-call.ts";
import type { Intake } from "./intake.ts";
import { Keepalive } from "./keepalive.ts";
import type { ListenerSettings } from "./listener.ts";

/** At shutdown, how long a client may go on sending a call that it has begun. */
const UPLOAD_GRACE_MS = 5_000;
/** The Collector's (grpc-go's) limit for a new connection to say that it speaks HTTP/2. */
const HANDSHAKE_MS = 120_000;
/** Calls of one connection that are under way, where nothing is configured: each may hold a message. grpc-go has no limit. */
const DEFAULT_STREAMS = 1_000;
/** A stream's window is a message and this much, so that one that is too long is seen to be. */
const ROOM = 64 * 1024;

/** A client's connection. */
export class Peer implements ConnectionHandler {
  /** Calls that wait for the pipeline. */
  delivering: number = 0;
  readonly maxStreams: number;
  readonly connection: Http2Connection;
  readonly keepalive: Keepalive;
  readonly onCapacity: (() => void) | undefined;
  readonly #host: GrpcServer;
  readonly #socket: Socket;
  readonly #handshake: NodeJS.Timeout;
  /** Calls of which it is not known yet whether they may be made. */
  #held = 0;

  constructor(host: GrpcServer, socket: Socket, maxStreams: number) {
    this.#host = host;
    this.#socket = socket;
    this.maxStreams = maxStreams;
    this.#handshake = setTimeout(() => socket.destroy(), HANDSHAKE_MS).unref();
    const options = { role: "server", streamWindow: host.limit + ROOM, maxStreams } as const;
    const { keepalive } = host.config;
    this.onCapacity = keepalive.maxIdle === Number.POSITIVE_INFINITY ? undefined : () => this.keepalive.onStreamEnd();
    this.connection = new Http2Connection(socket, options, this);
    this.keepalive = new Keepalive(keepalive, this.connection, socket);
    socket.on("data", (chunk: Uint8Array) => this.connection.receive(chunk));
  }

  /** Nothing more is read from the client until `release` was called as often. */
  hold(): void {
    if (this.#held++ === 0) this.#socket.pause();
  }

  release(): void {
    if (--this.#held === 0) this.#socket.resume();
  }

  open(): Call {
    return new Call(this.#host, this);
  }

  onReady(): void {
    clearTimeout(this.#handshake);
  }

  onPing(): void {
    this.keepalive.onPing();
  }

  onClose(reason: Error): void {
    clearTimeout(this.#handshake);
    this.keepalive.close();
    this.#host.forget(this, reason);
  }
}

/** OTLP over gRPC: https://opentelemetry.io/docs/specs/otlp/#otlpgrpc */
export class GrpcServer {
  readonly protocol = "grpc";
  readonly config: GrpcConfig;
  readonly limit: number;
  readonly intake: Intake;
  readonly authenticator: ServerAuthenticator | undefined;
  readonly deadlines: Deadlines = new Deadlines();
  readonly #logger: Logger;
  readonly #security: ServerSecurity | undefined;
  readonly #server: Server;
  readonly #peers: Set<Peer> = new Set();
  #draining = false;

  constructor(config: GrpcConfig, intake: Intake, { authenticator, where, logger }: ListenerSettings) {
    this.config = config;
    this.limit = config.max_recv_msg_size_mib;
    this.intake = intake;
    this.authenticator = authenticator;
    this.#logger = logger;
    const options = { noDelay: true, keepAlive: true };
    if (config.tls === undefined) this.#server = createServer(options, (socket) => this.#welcome(socket));
    else {
      const security = new ServerSecurity(config.tls, `${where}::tls`, logger);
      this.#security = security;
      this.#server = createTlsServer({ ...options, ...security.options, ALPNProtocols: ["h2"] }, (socket) =>
        this.#welcomeSecurely(socket),
      );
    }
  }

  /** @returns the URL */
  async listen(ports?: Ports): Promise<string> {
    const scheme = this.#security === undefined ? "http" : "https";
    if (this.#server instanceof TlsServer) await this.#security?.secure(this.#server);
    return urlOf(scheme, this.config.endpoint, await listen(this.#server, this.config.endpoint, ports));
  }

  /** Stops accepting, says GOAWAY; resolves when everybody is answered and the port is free. */
  async shutdown(): Promise<void> {
    this.#draining = true;
    this.#security?.close();
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
    for (const peer of this.#peers) peer.connection.goAway();
    if (this.#peers.size === 0) this.#security?.destroyAll();
    const impatience = setInterval(() => {
      for (const peer of this.#peers) if (peer.delivering === 0) peer.connection.destroy();
    }, UPLOAD_GRACE_MS);
    await closed;
    clearInterval(impatience);
    this.deadlines.close();
  }

  forget(peer: Peer, reason: Error): void {
    this.#peers.delete(peer);
    this.#logger.debug("gRPC connection closed", { reason: reason.message });
    if (this.#draining && this.#peers.size === 0) this.#security?.destroyAll();
  }

  #welcome(socket: Socket): void {
    this.#peers.add(new Peer(this, socket, this.config.max_concurrent_streams || DEFAULT_STREAMS));
  }

  #welcomeSecurely(socket: TLSSocket): void {
    // A client that does not say that it speaks HTTP/2 is refused, as grpc-go does.
    if (this.#draining || socket.alpnProtocol !== "h2") socket.destroy();
    else this.#welcome(socket);
  }
}
