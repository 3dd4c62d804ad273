/** A TCP relay in front of a sink: what goes wrong on the way to a destination, and a destination that is not there. It alters nothing by what it carries; of HTTP/2 it sees which calls are given up. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import type { Random } from "../random.ts";

/**
 * What may happen to a connection, after some bytes:
 *
 * - `reset`: it ends at once, in the middle of a request or of an answer.
 * - `hang`: nothing goes on any more, until it ends some time later.
 * - `garbage`: the answer goes on with bytes that mean nothing.
 * - `slow`: the answer goes on byte by byte.
 */
type LineFault = "reset" | "hang" | "garbage" | "slow";

/** How many of 1 connections each happens to. */
export type LineShares = Readonly<Partial<Record<LineFault, number>>>;

/** A connection that was. */
export interface Line {
  /** Why answers on it may not have arrived. */
  cut: string | undefined;
  /** When it ended, as `performance.now()` has it. */
  ended?: number;
  /** When the collector gave up calls on it (RST_STREAM): their answers then mean nothing to it, even if they had arrived. */
  readonly givenUp: number[];
}

const HANG_MS = [500, 2500] as const;
/** An answer is some hundred bytes. */
const AFTER_BYTES = [0, 20_000] as const;
const SLOW_BYTES = 1_000;
const SLOW_MS = 2;

export class Relay {
  readonly #random: Random;
  readonly #destination: number;
  readonly #http2: boolean;
  readonly #open = new Map<Socket, Line>();
  /** By the port that the destination sees; the newest for each. */
  readonly #lines = new Map<number, Line>();
  #server: Server | undefined;
  #port = 0;
  shares: LineShares = {};
  /** How often each fault happened. */
  readonly faults: Map<string, number> = new Map();

  /** @param url of the destination. @param http2 what is carried */
  constructor(url: string, random: Random, http2: boolean) {
    this.#http2 = http2;
    this.#destination = Number(new URL(url).port);
    this.#random = random;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** On the port that it had before, if it had one. */
  async open(): Promise<void> {
    const server = createServer({ noDelay: true }, (near) => this.#accept(near));
    server.listen(this.#port, "127.0.0.1");
    await once(server, "listening");
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  /** Nobody listens any more, and every connection ends. */
  async close(why: string): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    server.close();
    this.mark(why);
    for (const socket of this.#open.keys()) reset(socket);
    await once(server, "close");
  }

  /** Why the connections that are open now are about to end. */
  mark(why: string): void {
    for (const line of this.#open.values()) line.cut ??= why;
  }

  /** @param peer the port that the destination sees */
  line(peer: number): Line | undefined {
    return this.#lines.get(peer);
  }

  #accept(near: Socket): void {
    const line: Line = { cut: undefined, givenUp: [] };
    if (this.#http2) {
      const frames = new FrameTypes();
      near.on("data", (bytes: Buffer) => {
        if (frames.has(RST_STREAM, bytes)) line.givenUp.push(performance.now());
      });
    }
    this.#open.set(near, line);
    const far = connect({ port: this.#destination, host: "127.0.0.1", noDelay: true }, () => {
      this.#lines.set(far.localPort!, line);
    });
    // Each ends the other; why does not matter.
    const end = (): void => {
      this.#open.delete(near);
      line.ended ??= performance.now();
      near.destroy();
      far.destroy();
    };
    for (const socket of [near, far]) socket.on("error", end).on("close", end);
    const fault = this.#random.of(this.shares);
    if (fault === undefined) {
      near.pipe(far).pipe(near);
      return;
    }
    const cut = (why: string): void => {
      line.cut = why;
      this.faults.set(why, (this.faults.get(why) ?? 0) + 1);
    };
    this.#carry(near, far, fault, cut);
  }

  #carry(near: Socket, far: Socket, fault: LineFault, cut: (why: string) => void): void {
    let left = this.#random.between(...AFTER_BYTES);
    let broken = false;
    const up = this.#random.next() < 0.5;
    /** @returns whether the bytes are to go on */
    const passes = (bytes: Buffer, to: Socket, isUp: boolean): boolean => {
      if (broken) return false;
      if (isUp !== (up && (fault === "reset" || fault === "hang"))) return true;
      left -= bytes.length;
      if (left > 0) return true;
      broken = true;
      switch (fault) {
        case "reset":
          cut("reset by the destination");
          to.write(bytes.subarray(0, bytes.length >> 1));
          reset(near);
          break;
        case "hang":
          cut("the destination hung");
          setTimeout(() => reset(near), this.#random.between(...HANG_MS));
          break;
        case "garbage":
          cut("garbage from the destination");
          near.write(this.#random.bytes(this.#random.between(1, 200)));
          far.destroy();
          break;
        case "slow":
          cut("the destination answered byte by byte");
          this.#drip(near, far, bytes);
          return false;
      }
      return false;
    };
    near.on("data", (bytes: Buffer) => {
      // A slow destination goes on listening.
      if ((broken && fault === "slow") || passes(bytes, far, true)) far.write(bytes);
    });
    far.on("data", (bytes: Buffer) => {
      if (passes(bytes, near, false)) near.write(bytes);
    });
  }

  #drip(near: Socket, far: Socket, first: Buffer): void {
    let waiting = first;
    let sent = 0;
    far.removeAllListeners("data").on("data", (bytes: Buffer) => {
      waiting = Buffer.concat([waiting, bytes]);
    });
    const timer = setInterval(() => {
      if (waiting.length === 0) return;
      near.write(waiting.subarray(0, 1));
      waiting = waiting.subarray(1);
      if (++sent >= SLOW_BYTES) reset(near);
    }, SLOW_MS);
    near.once("close", () => clearInterval(timer));
  }
}

/** The system cannot reset what it is about to shut down: Node.js would say "error", leave it open, and never end. */
function reset(socket: Socket): void {
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}

const RST_STREAM = 3;
const PREFACE = 24;
const HEAD = 9;

/** Of HTTP/2's frames that one side sends (RFC 9113, section 4.1), however they are cut into pieces. */
class FrameTypes {
  #skip = PREFACE;
  #head: number[] = [];

  /** Whether a frame of the type begins in the next piece. */
  has(type: number, piece: Buffer): boolean {
    let found = false;
    for (let at = 0; at < piece.length; ) {
      if (this.#skip > 0) {
        const passed = Math.min(this.#skip, piece.length - at);
        this.#skip -= passed;
        at += passed;
        continue;
      }
      this.#head.push(piece[at++]!);
      if (this.#head.length < HEAD) continue;
      const [a, b, c, kind] = this.#head as [number, number, number, number];
      found ||= kind === type;
      this.#skip = (a << 16) | (b << 8) | c;
      this.#head = [];
    }
    return found;
  }
}
