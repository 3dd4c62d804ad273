import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { Family, WILDCARD } from "../address.ts";
import { type Channel, RING_BYTES } from "../channel.ts";
import { type Datagram, HEADER_BYTES, MAX_DATAGRAM, readDatagram, writeDatagram } from "../datagram.ts";
import type { Endpoint, SettableOption } from "../protocol.ts";
import type { ConnectionOwner, Held } from "./connection.ts";
import { errnoOf } from "./errno.ts";
import { lacksIpv6 } from "./listener.ts";

/** Addresses are literals: nothing is looked up. */
function literal(
  address: string,
  _options: unknown,
  done: (error: null, address: string, family: 4 | 6) => void,
): void {
  done(null, address, address.includes(":") ? 6 : 4);
}

/** Datagrams of one socket in a row: each is followed by the next before the event loop goes on, and others wait for that. */
const MAX_IN_A_ROW = 64;

/** @throws Error of Node's */
export async function bindDatagrams(local: Endpoint, ipv6Only: boolean): Promise<Socket> {
  try {
    return await bind(local, ipv6Only);
  } catch (error) {
    if (local.host !== WILDCARD[Family.inet6] || ipv6Only || !lacksIpv6(error)) throw error;
    return bind({ host: WILDCARD[Family.inet], port: local.port }, false);
  }
}

async function bind({ host, port }: Endpoint, ipv6Only: boolean): Promise<Socket> {
  const type = host.includes(":") ? "udp6" : "udp4";
  const socket = createSocket({ type, ipv6Only: type === "udp6" && ipv6Only, lookup: literal });
  await new Promise<void>((resolve, reject) => {
    socket.once("error", (error) => {
      socket.close();
      reject(error);
    });
    socket.bind({ address: host, port, exclusive: true }, resolve);
  });
  socket.removeAllListeners("error");
  return socket;
}

/** A bound UDP socket between `node:dgram` and its channel, in which each datagram has a header. */
export class Datagrams implements Held {
  readonly #socket: Socket;
  readonly #channel: Channel;
  readonly #owner: ConnectionOwner;
  readonly #buffer = Buffer.alloc(MAX_DATAGRAM);
  /** Whether addresses are to be IPv6's. */
  readonly #isIpv6: boolean;
  #sending = false;
  #sends = 0;
  /** Told when everything was sent, or never will be. */
  #idle: (() => void)[] = [];
  #closing = false;
  #closed = false;

  constructor(socket: Socket, channel: Channel, owner: ConnectionOwner) {
    this.#socket = socket;
    this.#channel = channel;
    this.#owner = owner;
    this.#isIpv6 = socket.address().family === "IPv6";
    socket.on("message", (data, from) => this.#received(data, from));
    socket.on("error", (error) => this.#failed(error));
  }

  /** Closed by the guest, and open as long as it sends. */
  get closing(): boolean {
    return this.#closing;
  }

  get local(): Endpoint {
    const { address, port } = this.#socket.address();
    return { host: address, port };
  }

  /** @throws Error of Node's */
  async connect({ host, port }: Endpoint): Promise<void> {
    // What was sent before goes where it was to go.
    await this.allSent();
    try {
      this.#socket.disconnect();
    } catch {
      // It was not connected.
    }
    await new Promise<void>((resolve, reject) => {
      this.#socket.connect(port, this.#reachable(host), (error?: Error) => (error ? reject(error) : resolve()));
    });
  }

  /** Resolves when everything that the guest has said was sent, or never will be. */
  async allSent(): Promise<void> {
    this.#send();
    if (this.#sending && !this.#closed) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  set(option: SettableOption, value: boolean): void {
    if (option === "broadcast") this.#socket.setBroadcast(value);
  }

  bell(): void {
    this.#channel.answerBell();
    this.#send();
  }

  /** Datagrams come whole or not at all: without room they are lost, as in any kernel. */
  #received(data: Buffer, { address, port }: RemoteInfo): void {
    const { incoming } = this.#channel;
    if (incoming.room < data.length + HEADER_BYTES) return;
    writeDatagram(incoming, { host: address, port, size: data.length }, [data]);
    this.#owner.wake();
  }

  /** One at a time: what waits is in the ring, whose size is its bound. */
  #send(): void {
    if (this.#sending || this.#closed) return;
    const next = readDatagram(this.#channel.outgoing, [this.#buffer]);
    if (next === undefined) {
      this.#tellIdle();
      if (this.#closing) this.#close();
      return;
    }
    this.#sending = true;
    this.#post(next, (error) => {
      // It counts as being sent until then: a bell must not go on with the row.
      if (++this.#sends % MAX_IN_A_ROW === 0) setImmediate(() => this.#sent(error));
      else this.#sent(error);
    });
  }

  #sent(error: Error | null): void {
    this.#sending = false;
    if (this.#closed) return;
    if (error !== null) this.#failed(error);
    if (this.#channel.madeRoom()) this.#owner.wake();
    this.#send();
  }

  #post({ host, port, size, toPeer }: Datagram, sent: (error: Error | null) => void): void {
    const data = this.#buffer.subarray(0, size);
    // A connected socket sends to its peer only, which the guest's side has taken care of.
    try {
      if (toPeer === true) this.#socket.send(data, sent);
      else this.#socket.send(data, port, this.#reachable(host), sent);
    } catch (error) {
      // Not at once: each one that follows would be a call deeper.
      setImmediate(sent, error instanceof Error ? error : new Error(String(error)));
    }
  }

  /** As the socket's family has it: an IPv6 one reaches IPv4 by the addresses of https://datatracker.ietf.org/doc/html/rfc4291#section-2.5.5.2 */
  #reachable(host: string): string {
    return this.#isIpv6 && !host.includes(":") ? `::ffff:${host}` : host;
  }

  /** Told to the guest once, with its next call; the socket goes on. */
  #failed(error: Error): void {
    this.#channel.error = errnoOf(error);
    this.#owner.wake();
  }

  close(milliseconds?: number): void {
    this.#closing = true;
    this.#send();
    // When its guest has ended the port counts for more than datagrams that have not been taken at once.
    if (milliseconds !== undefined) this.#close();
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#tellIdle();
    this.#socket.close(() => this.#owner.done());
  }

  #tellIdle(): void {
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}

/** The largest datagram with its header must fit into a ring. */
if (RING_BYTES < MAX_DATAGRAM + HEADER_BYTES) throw new Error("rings are smaller than datagrams");
