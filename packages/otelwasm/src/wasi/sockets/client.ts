/** The I/O thread, seen from the guest's. */
import { receiveMessageOnPort } from "node:worker_threads";
import { Errno, WasiError } from "../errno.ts";
import type { Waiter } from "../wait.ts";
import { Channel } from "./channel.ts";
import { type Established, type Event, type NetworkLink, type ReplyValue, type Request, Shared } from "./protocol.ts";

/** A socket of the guest that hears of what happens to it. */
export interface Listener {
  heard(event: Exclude<Event, { readonly event: "reply" }>): void;
}

/** Messages that the I/O thread may have before it, and those on top that answer what it said. */
const MAX_UNANSWERED = 256;

/** A request without its number. */
type Question<T = Extract<Request, { readonly request: number }>> = T extends unknown ? Omit<T, "request"> : never;

type Reply = Extract<Event, { readonly event: "reply" }>;

export class NetworkClient {
  readonly #link: NetworkLink;
  readonly #waiter: Waiter;
  readonly #listeners = new Map<number, Listener>();
  readonly #channels: Channel[] = [];
  /** By request: those that are waited for, and the reply once there is one. */
  readonly #replies = new Map<number, Reply | undefined>();
  #mail = 0;
  /** Messages since the I/O thread said that it had caught up. */
  #unanswered = 0;
  /** What was said is being handed out. */
  #handling = false;
  /** Sockets that this side opens have even ids. */
  #nextId = 2;

  constructor(link: NetworkLink, waiter: Waiter) {
    this.#link = link;
    this.#waiter = waiter;
    // What was for a guest before this one on the same thread.
    this.#mail = Atomics.load(link.cells, Shared.mail);
    while (receiveMessageOnPort(link.port) !== undefined);
  }

  newId(): number {
    const id = this.#nextId;
    this.#nextId += 2;
    return id;
  }

  listen(id: number, listener: Listener): void {
    this.#listeners.set(id, listener);
  }

  post(message: Request | number): void {
    this.#link.port.postMessage(message);
    // A bell rings once until it is answered. All else could be said faster than it is done, without an end.
    if (typeof message === "number" || ++this.#unanswered < MAX_UNANSWERED) return;
    // Who hears of one thing must not wait for another: the next message from outside does.
    if (this.#handling) return;
    this.#unanswered = 0;
    this.ask({ op: "sync" });
  }

  /** Nothing more is heard of it. */
  close(id: number): void {
    this.#listeners.delete(id);
    this.post({ op: "close", id });
  }

  /** Hands out what the I/O thread has said, without a wait. @throws WasiError `io` if that thread has ended */
  hear(): void {
    const { cells, port } = this.#link;
    const mail = Atomics.load(cells, Shared.mail);
    if (mail !== this.#mail) {
      this.#mail = mail;
      this.#handling = true;
      try {
        for (let item = receiveMessageOnPort(port); item !== undefined; item = receiveMessageOnPort(port))
          this.#handle(item.message);
      } finally {
        this.#handling = false;
      }
    }
    if (Atomics.load(cells, Shared.gone) === 1)
      throw new WasiError(Errno.io, "the thread of the sockets has ended; a new instance gets a new one");
  }

  /**
   * A round trip. Those that take long (a name's resolution) end with `intr` when shutdown is requested.
   *
   * @throws WasiError of the answer
   */
  ask(question: Question, interruptible = false): ReplyValue {
    const { cells, port } = this.#link;
    const request = Atomics.add(cells, Shared.requests, 1);
    this.#replies.set(request, undefined);
    const answered = (): Reply | undefined => {
      this.hear();
      return this.#replies.get(request);
    };
    try {
      port.postMessage({ ...question, request });
      const reply = interruptible ? this.#interruptibly(answered) : this.#waiter.waitFor(answered);
      if (reply.errno !== Errno.success) throw new WasiError(reply.errno);
      return reply.value ?? {};
    } finally {
      this.#replies.delete(request);
    }
  }

  channel({ channel, buffer }: Established): Channel {
    if (buffer !== undefined) this.#channels[channel] = new Channel(buffer);
    const known = this.#channels[channel];
    if (known === undefined) throw new WasiError(Errno.io, `there is no channel ${channel}`);
    return known;
  }

  #interruptibly(answered: () => Reply | undefined): Reply {
    const found = this.#waiter.wait(answered);
    if (typeof found === "string") throw new WasiError(Errno.intr);
    return found.value;
  }

  #handle(event: Event): void {
    if (event.event === "reply") {
      // Nobody waits any more for that of a request that was interrupted.
      if (this.#replies.has(event.request)) this.#replies.set(event.request, event);
      return;
    }
    // Its memory is sent once only, whether or not anyone wants this socket.
    if (event.event !== "failed") this.channel(event.socket);
    const listener = this.#listeners.get(event.id);
    if (listener !== undefined) listener.heard(event);
    // Accepted by a socket that was closed meanwhile.
    else if (event.event === "accepted") this.post({ op: "close", id: event.socket.id });
  }
}
