/** All sockets of one guest, on the I/O thread. */
import { connect, type Server, type Socket } from "node:net";
import { setTimeout as after } from "node:timers/promises";
import type { MessagePort } from "node:worker_threads";
import { Errno } from "../../errno.ts";
import { wakeUp } from "../../wait.ts";
import { Channel } from "../channel.ts";
import { isWildcard } from "../grants.ts";
import { type Endpoint, type Established, type Event, type ReplyValue, type Request, Shared } from "../protocol.ts";
import { Connection, type ConnectionOwner, type Held } from "./connection.ts";
import { bindDatagrams, Datagrams } from "./datagrams.ts";
import { errnoOf } from "./errno.ts";
import { listen } from "./listener.ts";
import { Lookups } from "./lookups.ts";

/** Established sockets of one guest, those that it has not picked up and those that still send included. Each costs a file and two rings. */
const MAX_CHANNELS = 1024;

/** Milliseconds in which what an ended guest has written may still go out. */
const RELEASE_MS = 1000;

/** Milliseconds after which an ended guest is not waited for, whatever of it is not closed yet. */
const END_MS = 2 * RELEASE_MS;

/** Of all guests. */
const LOOKUPS: Lookups = new Lookups();

export interface GuestLink {
  readonly port: MessagePort;
  readonly cells: Int32Array;
  readonly wake: Int32Array;
}

export class GuestSockets {
  readonly #port: MessagePort;
  readonly #cells: Int32Array;
  readonly #wake: Int32Array;
  readonly #lookups: Lookups;
  /** By the id that the guest knows: what hears of bells, options and the close. */
  readonly #established = new Map<number, Held>();
  readonly #connecting = new Map<number, Socket>();
  /** With those that the guest has closed and that still send. */
  readonly #held: Set<Held> = new Set();
  readonly #listeners = new Map<number, Server>();
  readonly #channels: Channel[] = [];
  /** Numbers of channels that no socket has. */
  readonly #free: number[] = [];
  /** Those whose memory the guest has. */
  readonly #known = new Set<number>();
  /** Sockets that this side opens have odd ids. */
  #nextId = 1;
  #open = 0;
  #idle: (() => void)[] = [];
  #ended = false;

  constructor({ port, cells, wake }: GuestLink, lookups: Lookups = LOOKUPS) {
    this.#port = port;
    this.#cells = cells;
    this.#wake = wake;
    this.#lookups = lookups;
    port.on("message", (request: Request | number) => {
      try {
        if (typeof request === "number") this.#established.get(request)?.bell();
        else this.#request(request);
      } catch {
        this.#break();
      }
    });
    // The guest's thread has ended, or its owner has closed the other end.
    port.on("close", () => void this.end());
  }

  /** When it returns nothing is left of the guest, or not everything could be closed in time. */
  async end(): Promise<void> {
    this.#ended = true;
    this.#port.close();
    this.#release();
    if (this.#open === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, END_MS);
      this.#idle.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  /** Something is wrong with it that nobody has thought of: it ends, and all the others on this thread go on. */
  #break(): void {
    Atomics.store(this.#cells, Shared.gone, 1);
    wakeUp(this.#wake);
    void this.end();
  }

  /** Closes everything: ports are free at once. What connected sockets were given still goes out, within a second. */
  #release(): void {
    this.#lookups.drop(this);
    for (const server of this.#listeners.values()) server.close();
    this.#listeners.clear();
    for (const socket of this.#connecting.values()) socket.destroy();
    this.#connecting.clear();
    for (const socket of this.#held) socket.close(RELEASE_MS);
    this.#established.clear();
    this.#known.clear();
  }

  #request(request: Request): void {
    switch (request.op) {
      case "connect":
        this.#connect(request);
        return;
      case "set":
        this.#established.get(request.id)?.set(request.option, request.value);
        return;
      case "end":
      case "discard": {
        const socket = this.#established.get(request.id);
        if (socket instanceof Connection) socket[request.op]();
        return;
      }
      case "close":
        this.#close(request.id);
        return;
      default:
        this.#answer(request).then(
          (value) => this.#send({ event: "reply", request: request.request, errno: Errno.success, ...value }),
          (error: unknown) => this.#send({ event: "reply", request: request.request, errno: errnoOf(error) }),
        );
    }
  }

  /** @throws Error of Node's */
  async #answer(request: Extract<Request, { readonly request: number }>): Promise<{ readonly value?: ReplyValue }> {
    switch (request.op) {
      case "listen":
        return { value: await this.#counted(this.#listen(request)) };
      case "open_datagrams":
        return { value: await this.#counted(this.#openDatagrams(request)) };
      case "connect_datagrams": {
        const socket = this.#established.get(request.id);
        if (!(socket instanceof Datagrams)) throw new Error("no such socket");
        await socket.connect(request.remote);
        return { value: { local: socket.local } };
      }
      case "resolve":
        return { value: { addresses: await this.#lookups.resolve(this, request.name, request.family) } };
      case "sync":
        return {};
      case "reset":
        await this.#allSent(() => true);
        this.#release();
        return {};
    }
  }

  /** Waits for the datagrams of some sockets, a second at most. */
  async #allSent(which: (socket: Datagrams) => boolean): Promise<void> {
    const sending = [...this.#held].filter((socket) => socket instanceof Datagrams).filter(which);
    if (sending.length === 0) return;
    const sent = Promise.all(sending.map((socket) => socket.allSent()));
    await Promise.race([sent, after(RELEASE_MS, undefined, { ref: false })]);
  }

  /** The end waits for it. */
  async #counted<T>(work: Promise<T>): Promise<T> {
    this.#open++;
    return work.finally(() => this.#closed());
  }

  async #listen(request: Extract<Request, { readonly op: "listen" }>): Promise<ReplyValue> {
    const server = await listen(request, (socket) => this.#accepted(request.id, socket, request.waiting));
    if (this.#ended) server.close();
    else this.#listeners.set(request.id, server);
    return { local: endpointOf(server.address()) };
  }

  #connect({ id, remote, local, keepAlive }: Extract<Request, { readonly op: "connect" }>): void {
    const socket = connect({
      host: remote.host,
      port: remote.port,
      ...(local === undefined || isWildcard(local.host) ? {} : { localAddress: local.host }),
      ...(local === undefined ? {} : { localPort: local.port }),
      allowHalfOpen: true,
      noDelay: true,
      keepAlive,
    });
    this.#open++;
    this.#connecting.set(id, socket);
    const failed = (error: unknown): void => {
      if (this.#connecting.delete(id)) this.#send({ event: "failed", id, errno: errnoOf(error) });
    };
    const abandoned = (): void => {
      this.#connecting.delete(id);
      this.#closed();
    };
    socket.once("error", failed);
    socket.once("close", abandoned);
    socket.once("connect", () => {
      if (!this.#connecting.delete(id)) return;
      socket.off("error", failed);
      socket.off("close", abandoned);
      this.#open--;
      const established = this.#establish(id, socket);
      if (established !== undefined) this.#send({ event: "connected", id, socket: established });
      else this.#send({ event: "failed", id, errno: Errno.nobufs });
    });
  }

  #accepted(listener: number, socket: Socket, waiting: Int32Array): void {
    const id = this.#nextId;
    this.#nextId += 2;
    const established = this.#establish(id, socket);
    if (established === undefined) return;
    Atomics.add(waiting, 0, 1);
    this.#send({ event: "accepted", id: listener, socket: established });
  }

  /** @returns `undefined` if the guest has too many, and the socket was closed */
  #establish(id: number, socket: Socket): Established | undefined {
    const { localAddress, localPort, remoteAddress, remotePort } = socket;
    const number = this.#takeChannel();
    if (number === undefined || localAddress === undefined || localPort === undefined) {
      if (number !== undefined) this.#free.push(number);
      socket.on("error", () => {});
      socket.resetAndDestroy();
      return undefined;
    }
    this.#hold(id, number, (owner) => new Connection(socket, this.#channels[number]!, owner));
    const remote = { host: remoteAddress ?? localAddress, port: remotePort ?? 0 };
    return this.#describe(id, number, { host: localAddress, port: localPort }, remote);
  }

  async #openDatagrams({
    id,
    local,
    ipv6Only,
  }: Extract<Request, { readonly op: "open_datagrams" }>): Promise<ReplyValue> {
    // Their ports are free as soon as they have sent what the guest had said before it closed them.
    if (local.port !== 0) await this.#allSent(({ closing }) => closing);
    const bound = await bindDatagrams(local, ipv6Only);
    const number = this.#ended ? undefined : this.#takeChannel();
    if (number === undefined) {
      bound.close();
      throw Object.assign(new Error("too many sockets"), { code: "ENOBUFS" });
    }
    const socket = this.#hold(id, number, (owner) => new Datagrams(bound, this.#channels[number]!, owner));
    return { socket: this.#describe(id, number, socket.local, undefined) };
  }

  #hold<T extends Held>(id: number, number: number, make: (owner: ConnectionOwner) => T): T {
    this.#open++;
    const held = make({
      wake: () => wakeUp(this.#wake),
      done: () => {
        this.#held.delete(held);
        this.#free.push(number);
        this.#closed();
      },
    });
    this.#held.add(held);
    this.#established.set(id, held);
    return held;
  }

  #describe(id: number, number: number, local: Endpoint, remote: Endpoint | undefined): Established {
    const isNew = !this.#known.has(number);
    this.#known.add(number);
    const { buffer } = this.#channels[number]!;
    return { id, channel: number, ...(isNew ? { buffer } : {}), local, remote };
  }

  #takeChannel(): number | undefined {
    const number = this.#free.pop();
    if (number !== undefined) {
      this.#channels[number]!.reset();
      return number;
    }
    if (this.#channels.length === MAX_CHANNELS) return undefined;
    return this.#channels.push(new Channel()) - 1;
  }

  #close(id: number): void {
    const server = this.#listeners.get(id);
    const connecting = this.#connecting.get(id);
    const socket = this.#established.get(id);
    this.#listeners.delete(id);
    this.#connecting.delete(id);
    this.#established.delete(id);
    server?.close();
    connecting?.destroy();
    socket?.close();
  }

  #closed(): void {
    if (--this.#open > 0) return;
    const idle = this.#idle;
    this.#idle = [];
    for (const resolve of idle) resolve();
  }

  #send(event: Event): void {
    this.#port.postMessage(event);
    Atomics.add(this.#cells, Shared.mail, 1);
    wakeUp(this.#wake);
  }
}

function endpointOf(address: ReturnType<Server["address"]>): Endpoint {
  if (address === null || typeof address === "string") throw new Error("the server has no address");
  return { host: address.address, port: address.port };
}
