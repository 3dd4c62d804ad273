import { Filetype, type Readiness } from "../descriptor.ts";
import { Errno, WasiError } from "../errno.ts";
import { WILDCARD } from "./address.ts";
import type { Channel } from "./channel.ts";
import { HEADER_BYTES, MAX_DATAGRAM, peekDatagram, readDatagram, writeDatagram } from "./datagram.ts";
import type { Endpoint } from "./protocol.ts";
import { type BooleanOption, type Received, ReceiveFlag, Socket, sizeOf } from "./socket.ts";
import { errnoFrom } from "./tcp.ts";

interface Open {
  readonly id: number;
  readonly channel: Channel;
  local: Endpoint;
  peer: Endpoint | undefined;
}

export class UdpSocket extends Socket {
  override readonly filetype: Filetype = Filetype.socketDgram;
  #open: Open | undefined;
  /** Whether anyone may send to it: it was bound to an address that is granted. Else only those that it may send to. */
  #public = false;
  #receiving = true;
  #sending = true;

  bind(local: Endpoint): void {
    if (this.#open !== undefined) throw new WasiError(Errno.inval);
    const { policy } = this.host;
    // A port that the system chooses gives nobody a way in, as long as only answers come through it.
    const granted = local.port === 0 ? policy.mayListen(local) : policy.listen(local);
    this.bound = local;
    this.#public = granted !== undefined;
    this.#bindTo(granted ?? local);
  }

  /** Sets who is sent to and received from. When it fails there is no peer, the one before neither. */
  connect(remote: Endpoint): void {
    if (remote.port === 0) throw new WasiError(Errno.inval);
    this.host.policy.connect(remote);
    const open = this.#opened();
    open.peer = undefined;
    const { local } = this.host.client().ask({ op: "connect_datagrams", id: open.id, remote });
    open.peer = remote;
    open.local = local ?? open.local;
  }

  listen(): never {
    throw new WasiError(Errno.notsup);
  }

  accept(): never {
    throw new WasiError(Errno.notsup);
  }

  local(): Endpoint {
    return this.#open?.local ?? { host: WILDCARD[this.family], port: 0 };
  }

  peer(): Endpoint {
    const peer = this.#open?.peer;
    if (peer === undefined) throw new WasiError(Errno.notconn);
    return peer;
  }

  receive(buffers: readonly Uint8Array[], flags: number): Received {
    const { channel } = this.#opened();
    return this.blocking(() => {
      if (!this.#receiving) return { size: 0 };
      this.#failIfFailed(channel);
      this.#skipStrangers(channel);
      const datagram = readDatagram(channel.incoming, buffers, (flags & ReceiveFlag.peek) !== 0);
      if (datagram === undefined) {
        this.host.client().hear();
        return undefined;
      }
      const { host, port } = datagram;
      const size = Math.min(datagram.size, sizeOf(buffers));
      return { size, from: { host, port }, truncated: size < datagram.size };
    });
  }

  send(buffers: readonly Uint8Array[], to: Endpoint | undefined): number {
    if (!this.#sending) throw new WasiError(Errno.pipe);
    // Nobody has this port, and systems differ in what they say of it.
    if (to?.port === 0) throw new WasiError(Errno.inval);
    if (to !== undefined) this.host.policy.connect(to);
    else if (this.#open?.peer === undefined) throw new WasiError(Errno.destaddrreq);
    const size = sizeOf(buffers);
    if (size > MAX_DATAGRAM) throw new WasiError(Errno.msgsize);
    const { id, channel, peer } = this.#opened();
    // As in Linux, where a connected socket may send elsewhere; Node's cannot.
    if (to !== undefined && peer !== undefined && (to.host !== peer.host || to.port !== peer.port))
      throw new WasiError(Errno.isconn);
    const target = peer === undefined && to !== undefined ? to : { host: WILDCARD[this.family], port: 0, toPeer: true };
    return this.blocking(() => {
      this.#failIfFailed(channel);
      if (channel.outgoing.room < size + HEADER_BYTES) {
        channel.wantRoom();
        this.host.client().hear();
        if (channel.outgoing.room < size + HEADER_BYTES) return undefined;
      }
      writeDatagram(channel.outgoing, { ...target, size }, buffers);
      if (channel.ring()) this.host.client().post(id);
      return size;
    });
  }

  shutdown({ receive, send }: { readonly receive: boolean; readonly send: boolean }): void {
    if (this.#open?.peer === undefined) throw new WasiError(Errno.notconn);
    if (receive) this.#receiving = false;
    if (send) this.#sending = false;
  }

  takeError(): Errno {
    const channel = this.#open?.channel;
    if (channel === undefined) return Errno.success;
    const error = errnoFrom(channel.error);
    channel.error = 0;
    return error;
  }

  override readiness(kind: "read" | "write"): Readiness | undefined {
    if (this.#open === undefined) return kind === "write" ? { bytes: BigInt(MAX_DATAGRAM), hangup: false } : undefined;
    const { channel } = this.#open;
    this.host.client().hear();
    if (channel.error !== 0) return { bytes: 0n, hangup: false };
    if (kind === "read") {
      this.#skipStrangers(channel);
      const datagram = peekDatagram(channel.incoming);
      return datagram === undefined ? undefined : { bytes: BigInt(datagram.size), hangup: false };
    }
    const room = (): number => channel.outgoing.room - HEADER_BYTES;
    if (room() < MAX_DATAGRAM) {
      channel.wantRoom();
      if (room() < MAX_DATAGRAM) return undefined;
    }
    return { bytes: BigInt(MAX_DATAGRAM), hangup: false };
  }

  override close(): void {
    const open = this.#open;
    this.#open = undefined;
    if (open !== undefined) this.host.client().close(open.id);
  }

  protected applied(option: BooleanOption, value: boolean): void {
    if (this.#open !== undefined && option === "broadcast")
      this.host.client().post({ op: "set", id: this.#open.id, option, value });
  }

  /** Bound to a port that the system chooses, if it is not bound yet. */
  #opened(): Open {
    return this.#open ?? this.#bindTo({ host: WILDCARD[this.family], port: 0 });
  }

  #bindTo(local: Endpoint): Open {
    const client = this.host.client();
    const id = client.newId();
    const { socket } = client.ask({ op: "open_datagrams", id, local, ipv6Only: this.option("ipv6Only") });
    if (socket === undefined) throw new WasiError(Errno.io);
    const open: Open = { id, channel: client.channel(socket), local: socket.local, peer: undefined };
    this.#open = open;
    if (this.option("broadcast")) client.post({ op: "set", id, option: "broadcast", value: true });
    return open;
  }

  /** A socket that may only send gets answers from those that it may send to, and from nobody else. */
  #skipStrangers({ incoming }: Channel): void {
    if (this.#public) return;
    for (let next = peekDatagram(incoming); next !== undefined; next = peekDatagram(incoming)) {
      if (this.host.policy.mayConnect(next)) return;
      readDatagram(incoming, []);
    }
  }

  #failIfFailed(channel: Channel): void {
    const errno = errnoFrom(channel.error);
    if (errno === Errno.success) return;
    channel.error = 0;
    throw new WasiError(errno);
  }
}
