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
  #sending = false;
  #closing = false;
  #closed = false;

  constructor(socket: Socket, channel: Channel, owner: ConnectionOwner) {
    this.#socket = socket;
    this.#channel = channel;
    this.#owner = owner;
    socket.on("message", (data, from) => this.#received(data, from));
    socket.on("error", (error) => this.#failed(error));
  }

  get local(): Endpoint {
    const { address, port } = this.#socket.address();
    return { host: address, port };
  }

  /** @throws Error of Node's */
  async connect(remote: Endpoint): Promise<void> {
    try {
      this.#socket.disconnect();
    } catch {
      // It was not connected.
    }
    await new Promise<void>((resolve, reject) => {
      this.#socket.connect(remote.port, remote.host, (error?: Error) => (error ? reject(error) : resolve()));
    });
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
    if (this.#sending || this.#closing) return;
    const { outgoing } = this.#channel;
    const next = readDatagram(outgoing, [this.#buffer]);
    if (next === undefined) return;
    this.#sending = true;
    this.#post(next, (error) => {
      this.#sending = false;
      if (error !== null) this.#failed(error);
      if (this.#closed) return;
      if (this.#channel.madeRoom()) this.#owner.wake();
      if (this.#closing) this.#close();
      else this.#send();
    });
  }

  #post({ host, port, size }: Datagram, sent: (error: Error | null) => void): void {
    const data = this.#buffer.subarray(0, size);
    // A connected socket sends to its peer only, which the guest's side has taken care of.
    try {
      if (port === 0) this.#socket.send(data, sent);
      else this.#socket.send(data, port, host, sent);
    } catch (error) {
      sent(error instanceof Error ? error : new Error(String(error)));
    }
  }

  /** Told to the guest once, with its next call; the socket goes on. */
  #failed(error: Error): void {
    this.#channel.error = errnoOf(error);
    this.#owner.wake();
  }

  close(milliseconds?: number): void {
    if (!this.#closing) this.#send();
    this.#closing = true;
    // When its guest has ended the port counts for more than a datagram that the kernel has not taken at once.
    if (!this.#sending || milliseconds !== undefined) this.#close();
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.close(() => this.#owner.done());
  }
}

/** The largest datagram with its header must fit into a ring. */
if (RING_BYTES < MAX_DATAGRAM + HEADER_BYTES) throw new Error("rings are smaller than datagrams");
