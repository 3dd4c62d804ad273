import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import type { ClientAuthenticator } from "../component/auth.ts";
import { StatusCode } from "../component/errors.ts";
import { type Credentials, credentialsOf } from "./client-config.ts";
import { Deadlines } from "./deadlines.ts";
import { causeOf, type Destination } from "./dial.ts";
import { formatTimeout, prefix } from "./grpc.ts";
import { Call, type CallOwner, GrpcError } from "./grpc-call.ts";
import type { Http2Connection } from "./http2/connection.ts";
import { encodeHeaders } from "./http2/hpack.ts";
import type { KeepaliveOptions } from "./keepalive.ts";
import { backoff, Subchannel, type SubchannelOwner } from "./subchannel.ts";

/** After a call that got no answer: how long a ping may take before the connection counts as dead. */
const PING_MS = 5_000;
const READ_BUFFER = 64 * 1024;
const NEVER = Number.POSITIVE_INFINITY;

/** Gives all addresses of a name; there is at least one. */
type Resolve = (host: string) => Promise<readonly string[]>;

export interface ChannelOptions {
  readonly destination: Destination;
  /** Whether calls go to all addresses of a name in turn (`round_robin`), or to the first that answers (`pick_first`). */
  readonly balance: boolean;
  /** The pseudo-header; the scheme is what `destination` says. */
  readonly authority: string;
  readonly path: string;
  /** Metadata of every call, names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly authenticator?: ClientAuthenticator | undefined;
  /** How the messages that `call` gets are compressed. */
  readonly encoding: "gzip" | "zstd" | undefined;
  readonly timeoutMs: number;
  /** Whether calls wait for a server that cannot be reached, until their time is up. */
  readonly waitForReady: boolean;
  readonly keepalive?: KeepaliveOptions | undefined;
  /** The most that is read from a connection at once, in bytes. */
  readonly readBuffer?: number | undefined;
  readonly resolve?: Resolve;
}

/** Not to be remembered by anybody on the way. */
const SECRET: readonly string[] = ["authorization", "api-key", "x-api-key", "cookie"];

async function addressesOf(host: string): Promise<readonly string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}

/**
 * Unary calls of one method to one server, over HTTP/2 connections, one to each of its addresses, that are made when they are needed and made again when
 * they are lost; a name is looked up again each time. After attempts that failed, calls fail at once until the back-off is over, as gRPC's do.
 */
export class GrpcChannel implements CallOwner, SubchannelOwner {
  readonly connections: Set<Http2Connection> = new Set();
  readonly readBuffer: Buffer;
  readonly #options: ChannelOptions;
  /** The name that is to be looked up. */
  readonly #host: string | undefined;
  #block: Uint8Array = new Uint8Array();
  #credentials: Credentials | undefined;
  readonly #deadlines: Deadlines = new Deadlines();
  /** By address. */
  readonly #subchannels: Map<string, Subchannel> = new Map();
  #ready: readonly Http2Connection[] = [];
  #turn = 0;
  /** Whether something is under way that may end with a connection. */
  #trying = false;
  /** When there is something to try (`performance.now()`); never, if all that could be connected is. */
  #wakeAt = 0;
  #alarm: NodeJS.Timeout | undefined;
  #resolving = false;
  #resolveFailures = 0;
  #resolveAt = 0;
  #resolveError = "";
  #keepaliveFactor = 1;
  /** Calls that wait for a connection, or until a server allows another stream. */
  readonly #queue: Set<Call> = new Set();
  readonly #probing: Set<Http2Connection> = new Set();
  #closed = false;
  #inFlight = 0;
  #drained: (() => void) | undefined;

  constructor(options: ChannelOptions) {
    this.#options = options;
    this.readBuffer = Buffer.allocUnsafeSlow(options.readBuffer ?? READ_BUFFER);
    this.#block = this.#encodeHeaders({});
    const { address, tunnel } = options.destination;
    const isName = !("path" in address) && isIP(address.host) === 0;
    if (options.balance && isName && tunnel === undefined) this.#host = address.host;
    else this.#subchannels.set("", new Subchannel(options.destination, this));
  }

  /**
   * @param message compressed if the channel's messages are; must not be changed any more: after a timeout, parts of it may still be on
   *   their way to the socket
   * @returns the answer's message
   * @throws GrpcError, or what the authenticator throws
   */
  call(message: Uint8Array): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      if (this.#closed) {
        reject(new GrpcError(StatusCode.UNAVAILABLE, "the exporter is shut down"));
        return;
      }
      const call = new Call(this, message, resolve, reject);
      this.#inFlight++;
      this.#deadlines.add(call, this.#options.timeoutMs);
      this.#dispatch(call);
    });
  }

  /** Resolves when every call is answered (or out of time) and the connections are closed. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#inFlight > 0) {
      await new Promise<void>((resolve) => {
        this.#drained = resolve;
      });
    }
    clearTimeout(this.#alarm);
    this.#deadlines.close();
    for (const subchannel of this.#subchannels.values()) subchannel.destroy();
    for (const connection of this.connections) connection.destroy();
  }

  // Calls.

  #dispatch(call: Call): void {
    if (this.#wakeAt !== NEVER && performance.now() >= this.#wakeAt) this.#revive();
    const connection = this.#pick();
    if (connection !== undefined) this.#send(connection, call);
    else if (this.#mayWait()) this.#queue.add(call);
    else call.settle(new GrpcError(StatusCode.UNAVAILABLE, this.reason));
  }

  /** The next connection with room for a stream. */
  #pick(): Http2Connection | undefined {
    const ready = this.#ready;
    for (let tries = ready.length; tries > 0; tries--) {
      const connection = ready[this.#turn++ % ready.length]!;
      if (!connection.destroyed && connection.streams < connection.peerMaxStreams) return connection;
    }
    return undefined;
  }

  #mayWait(): boolean {
    return this.#trying || this.#ready.length > 0 || this.#options.waitForReady;
  }

  #send(connection: Http2Connection, call: Call): void {
    const { authenticator, encoding } = this.#options;
    if (authenticator !== undefined) {
      try {
        this.#authenticate(authenticator);
      } catch (error) {
        call.settle(error instanceof Error ? error : new Error(String(error)));
        return;
      }
    }
    const head = prefix(call.message.length, encoding !== undefined);
    if (connection.request(call, this.#block, head, call.message)) return;
    // The numbers of streams are used up.
    connection.end();
    this.#dispatch(call);
  }

  #authenticate(authenticator: ClientAuthenticator): void {
    const credentials = credentialsOf(authenticator, this.#credentials);
    if (credentials === this.#credentials) return;
    this.#block = this.#encodeHeaders(credentials);
    this.#credentials = credentials;
  }

  #encodeHeaders(credentials: Credentials): Uint8Array {
    const { authority, destination, encoding, headers, path, timeoutMs } = this.#options;
    return encodeHeaders(
      Object.entries({
        ":method": "POST",
        ":scheme": destination.secure === undefined ? "http" : "https",
        ":path": path,
        ":authority": authority,
        "content-type": "application/grpc",
        te: "trailers",
        "grpc-timeout": formatTimeout(timeoutMs),
        ...(encoding === undefined ? {} : { "grpc-encoding": encoding, "grpc-accept-encoding": "identity,gzip,zstd" }),
        ...headers,
        ...credentials,
      }),
      new Set([...SECRET, ...Object.keys(credentials)]),
    );
  }

  /** Sends what has waited, or tells it that there is nothing to wait for. */
  #dequeue(): void {
    for (const call of this.#queue) {
      const connection = this.#pick();
      if (connection !== undefined) {
        this.#queue.delete(call);
        this.#send(connection, call);
      } else if (this.#mayWait()) break;
      else call.settle(new GrpcError(StatusCode.UNAVAILABLE, this.reason));
    }
    if (this.#queue.size === 0 || this.#trying || this.#ready.length > 0) return;
    this.#alarm ??= setTimeout(
      () => {
        this.#alarm = undefined;
        this.changed();
      },
      Math.max(0, this.#wakeAt - performance.now()) + 1,
    ).unref();
  }

  /** @internal */
  again(call: Call): void {
    call.connection = undefined;
    this.#dispatch(call);
  }

  /** @internal TCP would notice after a quarter of an hour. */
  probe(connection: Http2Connection): void {
    if (this.#probing.has(connection) || connection.destroyed) return;
    this.#probing.add(connection);
    const impatience = setTimeout(() => connection.destroy(new Error("the server does not answer")), PING_MS).unref();
    connection.ping(() => {
      clearTimeout(impatience);
      this.#probing.delete(connection);
    });
  }

  /** @internal */
  left(call: Call): void {
    this.#deadlines.remove(call);
    this.#queue.delete(call);
    if (--this.#inFlight === 0) this.#drained?.();
  }

  // Connections.

  /** @internal Why there is none. */
  get reason(): string {
    const errors = [...this.#subchannels.values()].map((each) => each.error).filter((error) => error !== "");
    return errors.length === 0 ? this.#resolveError : [...new Set(errors)].join("; ");
  }

  /** @internal */
  get keepalive(): KeepaliveOptions | undefined {
    const { keepalive } = this.#options;
    return keepalive && { ...keepalive, timeMs: keepalive.timeMs * this.#keepaliveFactor };
  }

  /** @internal grpc-go does the same */
  tooManyPings(): void {
    this.#keepaliveFactor *= 2;
  }

  /** @internal */
  capacity(): void {
    if (this.#queue.size > 0) this.#dequeue();
  }

  /** @internal */
  changed(): void {
    const all = [...this.#subchannels.values()];
    this.#ready = all.flatMap((each) => each.connection ?? []);
    this.#trying = this.#resolving || all.some((each) => each.state === "connecting");
    const idle = all.filter((each) => each.state === "idle").map((each) => each.retryAt);
    if (this.#resolving) this.#wakeAt = NEVER;
    else this.#wakeAt = all.length === 0 ? this.#resolveAt : Math.min(NEVER, ...idle);
    if (this.#queue.size === 0) return;
    if (this.#wakeAt <= performance.now()) this.#revive();
    this.#dequeue();
  }

  /** Connects what is not, after another look at what a name stands for. */
  #revive(): void {
    if (this.#host === undefined) this.#connectIdle();
    else if (!this.#resolving) void this.#lookUp(this.#host);
  }

  async #lookUp(host: string): Promise<void> {
    this.#resolving = true;
    this.#trying = true;
    this.#wakeAt = NEVER;
    try {
      this.#adopt(await (this.#options.resolve ?? addressesOf)(host));
    } catch (cause) {
      // The addresses from before may still be right.
      this.#resolveError = `cannot find the server: ${causeOf(cause)}`;
      this.#resolveAt = performance.now() + backoff(this.#resolveFailures++);
    }
    this.#resolving = false;
    if (this.#closed && this.#inFlight === 0) return;
    this.#connectIdle();
    this.changed();
  }

  #adopt(addresses: readonly string[]): void {
    this.#resolveFailures = 0;
    for (const [address, subchannel] of this.#subchannels) {
      if (addresses.includes(address)) continue;
      this.#subchannels.delete(address);
      subchannel.retire();
    }
    const { destination } = this.#options;
    for (const host of addresses) {
      if (this.#subchannels.has(host)) continue;
      const address = { ...destination.address, host };
      this.#subchannels.set(host, new Subchannel({ ...destination, address }, this));
    }
  }

  #connectIdle(): void {
    const now = performance.now();
    for (const subchannel of this.#subchannels.values()) {
      if (subchannel.state === "idle" && subchannel.retryAt <= now) subchannel.connect();
    }
  }
}
