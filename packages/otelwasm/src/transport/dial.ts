// How a client gets a connection: TCP or a Unix socket, perhaps through a proxy, perhaps with TLS.
import { connect, isIP, type Socket } from "node:net";
import { checkServerIdentity, connect as connectTls, type SecureContext, type TLSSocket } from "node:tls";
import { formatHostPort, type HostPort } from "../config/values.ts";
import type { HttpProxy } from "./proxy.ts";

/** A Unix socket; on Linux, a path that begins with NUL is an abstract name. */
interface SocketPath {
  readonly path: string;
}

export interface Secure {
  /** Asked for each connection, so that certificates can be renewed. */
  readonly context: () => SecureContext;
  /** Whom the server's certificate has to name. */
  readonly serverName: string;
  /** Whether the certificate counts at all. */
  readonly verify: boolean;
  /** What ALPN offers; the server has to choose `h2` if that is it. */
  readonly protocol: "h2" | "http/1.1";
}

export interface Destination {
  readonly address: HostPort | SocketPath;
  /** Absent: plaintext. */
  readonly secure?: Secure | undefined;
  /** Asked for a tunnel to the address (CONNECT). */
  readonly tunnel?: Tunnel | undefined;
}

interface Tunnel {
  readonly proxy: HttpProxy;
  /** For the TLS to the proxy itself, if it is spoken to like that. */
  readonly secure?: Secure | undefined;
  readonly userAgent: string;
}

export interface Reading {
  /** What connections read into; several may share it, as what is read is handed on at once. */
  readonly buffer: Buffer;
  /** @param chunk valid during the call only */
  read(chunk: Buffer): void;
}

export interface Dialing {
  /** Not called after `cancel`. The socket may still be connecting: what is written to it waits. */
  done(socket: Socket): void;
  /** There will be no socket. */
  failed(error: Error): void;
}

/** The most that a proxy may have to say about a tunnel. */
const MAX_ANSWER = 16 * 1024;

/**
 * Starts to connect. Without a tunnel `done` is called before this returns.
 *
 * @returns ends what has been begun, as long as `done` and `failed` have not been called
 */
export function dial(to: Destination, reading: Reading, dialing: Dialing): () => void {
  if (to.tunnel !== undefined && !("path" in to.address)) {
    return dialThrough(to.tunnel, to.address, to.secure, reading, dialing);
  }
  const onread = {
    buffer: reading.buffer,
    callback: (length: number): boolean => {
      reading.read(reading.buffer.subarray(0, length));
      return true;
    },
  };
  const options = { ...to.address, noDelay: true, keepAlive: true, onread };
  dialing.done(to.secure === undefined ? connect(options) : connectSecurely(options, to.secure));
  return () => {};
}

function connectSecurely(options: object, secure: Secure): TLSSocket {
  const socket = connectTls({ ...options, ...tlsOptions(secure) });
  if (secure.protocol === "h2") {
    socket.once("secureConnect", () => {
      if (socket.alpnProtocol !== "h2") socket.destroy(new Error("the server does not speak HTTP/2"));
    });
  }
  return socket;
}

function tlsOptions(secure: Secure): object {
  const { serverName } = secure;
  return {
    secureContext: secure.context(),
    rejectUnauthorized: secure.verify,
    ALPNProtocols: [secure.protocol],
    // TLS has no server names for addresses, but certificates can have them.
    ...(isIP(serverName) === 0
      ? { servername: serverName }
      : {
          checkServerIdentity: (_: string, cert: Parameters<typeof checkServerIdentity>[1]) =>
            checkServerIdentity(serverName, cert),
        }),
  };
}

function dialThrough(
  tunnel: Tunnel,
  address: HostPort,
  secure: Secure | undefined,
  reading: Reading,
  dialing: Dialing,
): () => void {
  const { proxy } = tunnel;
  const to = { ...proxy.address, noDelay: true, keepAlive: true };
  const socket = tunnel.secure === undefined ? connect(to) : connectSecurely(to, tunnel.secure);
  const target = formatHostPort(address);
  const authorization = proxy.authorization === undefined ? "" : `Proxy-Authorization: ${proxy.authorization}\r\n`;
  socket.write(
    `CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\nUser-Agent: ${tunnel.userAgent}\r\n${authorization}\r\n`,
  );
  let answer = "";
  const onData = (chunk: Buffer): void => {
    answer += chunk.toString("latin1");
    const end = answer.indexOf("\r\n\r\n");
    if (end < 0) {
      if (answer.length > MAX_ANSWER) fail(new Error("its answer to CONNECT does not end"));
      return;
    }
    const status = /^HTTP\/1\.[01] (\d{3}(?: [\x20-\x7e]{0,200})?)/.exec(answer)?.[1];
    if (status === undefined) fail(new Error("its answer to CONNECT is not HTTP"));
    else if (!status.startsWith("2")) fail(new Error(`it refused the tunnel to ${target}: ${status.trimEnd()}`));
    else {
      const rest = answer.slice(end + 4);
      if (rest !== "" && secure !== undefined) {
        fail(new Error("it said something in place of the server"));
        return;
      }
      forget();
      if (rest !== "") socket.unshift(Buffer.from(rest, "latin1"));
      dialing.done(within(socket, secure, reading));
    }
  };
  const onError = (cause: Error): void => fail(cause);
  const onClose = (): void => fail(new Error("it closed the connection"));
  const forget = (): void => {
    socket.off("data", onData).off("error", onError).off("close", onClose);
  };
  const fail = (cause: Error): void => {
    forget();
    // What it may still say is nobody's concern.
    socket.on("error", () => {}).destroy();
    dialing.failed(new Error(`proxy ${proxy.name}: ${causeOf(cause)}`, { cause }));
  };
  socket.on("data", onData).once("error", onError).once("close", onClose);
  return () => {
    forget();
    socket.on("error", () => {}).destroy();
  };
}

/** The connection through the tunnel. */
function within(socket: Socket, secure: Secure | undefined, reading: Reading): Socket {
  if (secure === undefined) return socket.on("data", (chunk: Buffer) => reading.read(chunk));
  const inner = connectSecurely({ socket }, secure);
  socket.on("error", (error) => inner.destroy(error));
  inner.once("close", () => socket.destroy());
  return inner.on("data", (chunk: Buffer) => reading.read(chunk));
}

/** Of a failed attempt at several addresses of a name, all reasons. */
export function causeOf(cause: unknown): string {
  if (cause instanceof AggregateError && cause.errors.length > 0) return cause.errors.map(causeOf).join("; ");
  return cause instanceof Error ? cause.message : String(cause);
}
