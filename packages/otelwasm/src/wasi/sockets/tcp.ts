import { Fdflags, Filetype, type Readiness } from "../descriptor.ts";
import { Errno, WasiError } from "../errno.ts";
import { WILDCARD } from "./address.ts";
import type { Channel } from "./channel.ts";
import type { NetworkClient } from "./client.ts";
import type { Endpoint, Established, Event } from "./protocol.ts";
import { type BooleanOption, type Received, ReceiveFlag, Socket, sizeOf } from "./socket.ts";

const NOT_CONNECTED: Readiness = { bytes: 0n, hangup: true };
const READY: Readiness = { bytes: 0n, hangup: false };

interface Connected {
  readonly kind: "connected";
  readonly id: number;
  readonly channel: Channel;
  readonly local: Endpoint;
  readonly peer: Endpoint;
  /** The guest has shut these down. */
  receiving: boolean;
  sending: boolean;
}

interface Listening {
  readonly kind: "listening";
  readonly id: number;
  readonly local: Endpoint;
  /** Connections that the guest has not picked up. */
  readonly queue: Established[];
  readonly waiting: Int32Array;
}

type State = { readonly kind: "idle" } | { readonly kind: "connecting"; readonly id: number } | Connected | Listening;

const IDLE: State = { kind: "idle" };

export class TcpSocket extends Socket {
  override readonly filetype: Filetype = Filetype.socketStream;
  #state: State = IDLE;
  /** Of a connect that failed, until it was told. */
  #error: Errno = Errno.success;

  override get listening(): boolean {
    return this.#state.kind === "listening";
  }

  bind(local: Endpoint): void {
    if (this.#state.kind !== "idle" || this.bound !== undefined) throw new WasiError(Errno.inval);
    // A port that the system chooses is nothing yet: whether it may be listened on, or connected from, is asked then.
    if (local.port !== 0) this.host.policy.listen(local);
    this.bound = local;
  }

  listen(backlog: number): void {
    if (this.#state.kind === "listening") return;
    if (this.#state.kind !== "idle") throw new WasiError(Errno.inval);
    const wanted = this.bound ?? { host: WILDCARD[this.family], port: 0 };
    const local = this.host.policy.listen(wanted);
    const client = this.host.client();
    const id = client.newId();
    const waiting = new Int32Array(new SharedArrayBuffer(4));
    const queue: Established[] = [];
    client.listen(id, {
      heard: (event) => {
        if (event.event === "accepted") queue.push(event.socket);
      },
    });
    try {
      const reply = client.ask({ op: "listen", id, local, ipv6Only: this.option("ipv6Only"), backlog, waiting });
      this.#state = { kind: "listening", id, local: reply.local ?? wanted, queue, waiting };
    } catch (error) {
      client.close(id);
      throw error;
    }
  }

  accept(flags: number): TcpSocket {
    const state = this.#state;
    if (state.kind !== "listening") throw new WasiError(Errno.inval);
    const client = this.host.client();
    const established = this.blocking(() => {
      client.hear();
      return state.queue.shift();
    });
    Atomics.sub(state.waiting, 0, 1);
    const socket = new TcpSocket(this.host, this.family);
    socket.#connected(established, client.channel(established));
    socket.flags = flags;
    return socket;
  }

  connect(remote: Endpoint): void {
    this.#hear();
    const { kind } = this.#state;
    if (kind === "connected") throw new WasiError(Errno.isconn);
    if (kind === "connecting") throw new WasiError(Errno.already);
    if (kind === "listening") throw new WasiError(Errno.notsup);
    this.host.policy.connect(remote);
    const client = this.host.client();
    const id = client.newId();
    this.#error = Errno.success;
    this.#state = { kind: "connecting", id };
    client.listen(id, { heard: (event) => this.#connectEnded(client, id, event) });
    client.post({ op: "connect", id, remote, local: this.bound, keepAlive: this.option("keepAlive") });
    // Even if it is quick: guests are written for what they see most of the time.
    if ((this.flags & Fdflags.nonblock) !== 0) throw new WasiError(Errno.inprogress);
    this.blocking(() => {
      this.#hear();
      return this.#state.kind === "connecting" ? undefined : true;
    });
    const error = this.takeError();
    if (error !== Errno.success) throw new WasiError(error);
  }

  #connectEnded(client: NetworkClient, id: number, event: Exclude<Event, { readonly event: "reply" }>): void {
    if (event.event === "connected") this.#connected(event.socket, client.channel(event.socket));
    if (event.event !== "failed") return;
    client.close(id);
    this.#state = IDLE;
    this.#error = event.errno;
  }

  #connected({ id, local, remote }: Established, channel: Channel): void {
    this.#state = { kind: "connected", id, channel, local, peer: remote ?? local, receiving: true, sending: true };
  }

  local(): Endpoint {
    this.#hear();
    return "local" in this.#state ? this.#state.local : (this.bound ?? { host: WILDCARD[this.family], port: 0 });
  }

  peer(): Endpoint {
    return this.#established().peer;
  }

  receive(buffers: readonly Uint8Array[], flags: number): Received {
    const state = this.#established();
    const { channel } = state;
    const { incoming } = channel;
    const wanted = sizeOf(buffers);
    if (wanted === 0) return { size: 0 };
    const least = (flags & ReceiveFlag.waitAll) !== 0 ? Math.min(wanted, MAX_WAIT_ALL) : 1;
    return this.blocking(() => {
      if (!state.receiving) return { size: 0 };
      // Before the bytes are counted: none come after the end.
      const { ended } = channel;
      const available = incoming.available;
      if (!ended && available < least) {
        this.#hear();
        return undefined;
      }
      if (available === 0) return this.#atEnd(channel);
      let size = 0;
      for (const buffer of buffers) size += incoming.peek(buffer, size);
      if ((flags & ReceiveFlag.peek) === 0) this.#take(state, size);
      return { size };
    });
  }

  #atEnd(channel: Channel): Received {
    if (channel.error !== 0) throw new WasiError(errnoFrom(channel.error));
    return { size: 0 };
  }

  #take({ id, channel }: Connected, size: number): void {
    channel.incoming.take(size);
    // Not for each few bytes: what waits is worth a turn of the I/O thread.
    if (channel.stalled && channel.incoming.room >= channel.incoming.available && channel.ring())
      this.host.client().post(id);
  }

  send(buffers: readonly Uint8Array[], to: Endpoint | undefined): number {
    const state = this.#established();
    if (to !== undefined) throw new WasiError(Errno.isconn);
    const { channel, id } = state;
    const { outgoing } = channel;
    if (sizeOf(buffers) === 0) return 0;
    const put = (): number | undefined => {
      let size = 0;
      for (const buffer of buffers) size += outgoing.fill(buffer, size);
      if (size === 0) return undefined;
      outgoing.put(size);
      if (channel.ring()) this.host.client().post(id);
      return size;
    };
    return this.blocking(() => {
      if (channel.error !== 0) throw new WasiError(errnoFrom(channel.error));
      if (!state.sending) throw new WasiError(Errno.pipe);
      const size = put();
      if (size !== undefined) return size;
      this.#hear();
      channel.wantRoom();
      // There may be some since.
      return put();
    });
  }

  shutdown({ receive, send }: { readonly receive: boolean; readonly send: boolean }): void {
    const state = this.#established();
    const client = this.host.client();
    if (receive && state.receiving) {
      state.receiving = false;
      client.post({ op: "discard", id: state.id });
    }
    if (send && state.sending) {
      state.sending = false;
      client.post({ op: "end", id: state.id });
    }
  }

  takeError(): Errno {
    this.#hear();
    const error = this.#error;
    this.#error = Errno.success;
    if (error !== Errno.success || this.#state.kind !== "connected") return error;
    return errnoFrom(this.#state.channel.error);
  }

  override readiness(kind: "read" | "write"): Readiness | undefined {
    const state = this.#state;
    if (state.kind === "connected") {
      const readiness = kind === "read" ? readable(state) : writable(state);
      // Throws if there is nobody any more who could change that.
      if (readiness === undefined) this.#hear();
      return readiness;
    }
    this.#hear();
    const now = this.#state;
    if (now.kind === "connected") return this.readiness(kind);
    if (now.kind === "connecting") return undefined;
    if (now.kind === "idle") return this.#error === Errno.success ? NOT_CONNECTED : READY;
    return kind === "read" && now.queue.length > 0 ? { bytes: BigInt(now.queue.length), hangup: false } : undefined;
  }

  override close(): void {
    const state = this.#state;
    this.#state = IDLE;
    if (state.kind === "idle") return;
    const client = this.host.client();
    if (state.kind === "listening") closeListener(client, state);
    else client.close(state.id);
  }

  protected applied(option: BooleanOption, value: boolean): void {
    if (this.#state.kind !== "connected" || (option !== "noDelay" && option !== "keepAlive")) return;
    this.host.client().post({ op: "set", id: this.#state.id, option, value });
  }

  #established(): Connected {
    this.#hear();
    if (this.#state.kind !== "connected") throw new WasiError(Errno.notconn);
    return this.#state;
  }

  /** Only who waits for something has to ask what was said. */
  #hear(): void {
    if (this.#state.kind !== "idle") this.host.client().hear();
  }
}

/** A ring cannot hold more, and a guest that wants it all at once must not wait for ever. */
const MAX_WAIT_ALL = 64 * 1024;

/** With the connections that nobody has picked up, those that were accepted while it was being closed included: no one else would ever close them. */
function closeListener(client: NetworkClient, { id, queue }: Listening): void {
  client.post({ op: "close", id });
  try {
    client.ask({ op: "sync" });
  } catch (error) {
    // The thread has ended, and all sockets with it.
    if (!(error instanceof WasiError)) throw error;
  }
  client.close(id);
  for (const connection of queue) client.close(connection.id);
}

function readable({ channel, receiving }: Connected): Readiness | undefined {
  const { ended } = channel;
  const bytes = channel.incoming.available;
  if (!receiving) return READY;
  return bytes > 0 || ended ? { bytes: BigInt(bytes), hangup: ended } : undefined;
}

function writable({ channel, sending }: Connected): Readiness | undefined {
  if (!sending || channel.error !== 0) return NOT_CONNECTED;
  const { outgoing } = channel;
  if (outgoing.room === 0) {
    channel.wantRoom();
    if (outgoing.room === 0) return undefined;
  }
  return { bytes: BigInt(outgoing.room), hangup: false };
}

const ERRNOS: ReadonlySet<number> = new Set(Object.values(Errno));

function isErrno(value: number): value is Errno {
  return ERRNOS.has(value);
}

/** What the other thread has written into a cell. */
export function errnoFrom(cell: number): Errno {
  return isErrno(cell) ? cell : Errno.io;
}
