import type { Socket } from "node:net";
import type { Channel } from "../channel.ts";
import type { SettableOption } from "../protocol.ts";
import { errnoOf } from "./errno.ts";

/** Milliseconds that a closed socket may take to hand what the guest wrote to a peer that reads slowly. */
const LINGER_MS = 10_000;

/** Writes of one socket in a row: each is followed by the next before the event loop goes on, and others wait for that. */
const MAX_IN_A_ROW = 64;

export interface ConnectionOwner {
  /** Something about the socket changed. */
  wake(): void;
  /** The socket is closed, and the guest has no use for it any more: its channel is free. */
  done(): void;
}

/** An open socket with a channel. */
export interface Held {
  bell(): void;
  set(option: SettableOption, value: boolean): void;
  /** What the guest wrote still goes out, in so many milliseconds at most. May be called again with fewer. */
  close(milliseconds?: number): void;
}

/** A TCP connection between `node:net` and its channel. */
export class Connection implements Held {
  readonly #socket: Socket;
  readonly #channel: Channel;
  readonly #owner: ConnectionOwner;
  /** Came from the network and did not fit. */
  #left: Buffer | undefined;
  #peerEnded = false;
  #discarding = false;
  #writing = false;
  #writes = 0;
  #ending = false;
  /** The guest has closed it. */
  #closing = false;
  #closed = false;
  #lingering: NodeJS.Timeout | undefined;

  constructor(socket: Socket, channel: Channel, owner: ConnectionOwner) {
    this.#socket = socket;
    this.#channel = channel;
    this.#owner = owner;
    socket.on("data", (chunk: Buffer) => this.#received(chunk));
    socket.on("end", () => {
      this.#peerEnded = true;
      if (this.#left === undefined) this.#end();
    });
    socket.on("error", (error) => {
      channel.error = errnoOf(error);
    });
    socket.on("close", () => this.#wasClosed());
    socket.resume();
  }

  /** The guest has read from a full ring, or has written. */
  bell(): void {
    this.#channel.answerBell();
    if (this.#left !== undefined) this.#deliver(this.#left);
    this.#flush();
  }

  set(option: SettableOption, value: boolean): void {
    if (option === "noDelay") this.#socket.setNoDelay(value);
    if (option === "keepAlive") this.#socket.setKeepAlive(value);
  }

  end(): void {
    this.#ending = true;
    this.#flush();
  }

  discard(): void {
    this.#discarding = true;
    this.#left = undefined;
    this.#channel.stalled = false;
    this.#socket.resume();
  }

  close(milliseconds: number = LINGER_MS): void {
    if (!this.#closed) {
      clearTimeout(this.#lingering);
      this.#lingering = setTimeout(() => this.#reset(), milliseconds);
    }
    if (this.#closing) return;
    this.#closing = true;
    if (this.#closed) this.#doneIfFree();
    else {
      this.discard();
      this.end();
    }
  }

  #received(chunk: Buffer): void {
    if (!this.#discarding) this.#deliver(chunk);
  }

  #deliver(chunk: Buffer): void {
    const { incoming } = this.#channel;
    let rest = chunk;
    for (;;) {
      const size = incoming.fill(rest);
      if (size > 0) {
        incoming.put(size);
        this.#owner.wake();
        rest = rest.subarray(size);
      }
      if (rest.length === 0) {
        this.#left = undefined;
        if (this.#channel.stalled) {
          this.#channel.stalled = false;
          this.#socket.resume();
        }
        if (this.#peerEnded || this.#closed) this.#end();
        return;
      }
      this.#left = rest;
      if (!this.#channel.stalled) {
        this.#channel.stalled = true;
        this.#socket.pause();
      }
      // The guest may have made room before it could see that there is more.
      if (incoming.room === 0) return;
    }
  }

  #flush(): void {
    if (this.#writing || this.#closed) return;
    const { outgoing } = this.#channel;
    // Written from where it is: the guest does not write there before it was taken.
    const front = outgoing.front();
    if (front.length === 0) {
      if (this.#ending && !this.#socket.writableEnded)
        this.#socket.end(() => {
          if (this.#closing) this.#socket.destroy();
        });
      else if (this.#closing && this.#socket.writableFinished) this.#socket.destroy();
      return;
    }
    this.#writing = true;
    this.#socket.write(front, (error) => {
      // It counts as being written until then: a bell must not go on with the row.
      if (++this.#writes % MAX_IN_A_ROW === 0) setImmediate(() => this.#written(front.length, error));
      else this.#written(front.length, error);
    });
  }

  #written(size: number, error: Error | null | undefined): void {
    this.#writing = false;
    this.#doneIfFree();
    if (this.#closed || (error !== null && error !== undefined)) return;
    this.#channel.outgoing.take(size);
    if (this.#channel.madeRoom()) this.#owner.wake();
    this.#flush();
  }

  /** The peer is not waited for. */
  #reset(): void {
    const { writableEnded, writableFinished, writableLength } = this.#socket;
    // The system cannot reset what it is about to shut down. Node would say "error", leave it open and never say "close".
    if (writableEnded && !writableFinished && writableLength === 0) this.#socket.destroy();
    else this.#socket.resetAndDestroy();
  }

  #end(): void {
    this.#channel.end();
    this.#owner.wake();
  }

  #wasClosed(): void {
    this.#closed = true;
    clearTimeout(this.#lingering);
    // A peer may be done before the guest has read everything: the end comes after what is left.
    if (this.#left === undefined || this.#channel.error !== 0) {
      this.#left = undefined;
      this.#end();
    }
    this.#doneIfFree();
  }

  /** A write that is under way has a hold on the channel. */
  #doneIfFree(): void {
    if (this.#closed && this.#closing && !this.#writing) this.#owner.done();
  }
}
