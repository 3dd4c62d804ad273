/** Clients that behave badly, over and over: what they get, and what nobody else must notice. */
import { once } from "node:events";
import { type ClientHttp2Session, connect as connectHttp2, constants } from "node:http2";
import { connect, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import type { Target } from "../clients.ts";
import { grpcPath } from "../proto.ts";
import type { Random } from "../random.ts";
import { Requests } from "../requests.ts";
import type { Ledger } from "./ledger.ts";

interface Visit {
  readonly target: Target;
  readonly random: Random;
  /** A whole request, which the books know: it may be delivered, but nobody waits for it. */
  readonly request: Buffer;
  /** Aborted when the scenario ends. */
  readonly end: AbortSignal;
}

interface Rudeness {
  /** @returns what came of it */
  readonly act: (visit: Visit) => Promise<string>;
  /** All that may come of it. */
  readonly expected: RegExp;
  /** It goes on for as long as it is let. */
  readonly lasts?: true;
}

const MIB = 1024 * 1024;
const LIMIT = { http: 20 * MIB, grpc: 4 * MIB } as const;
const BOMB = gzipSync(Buffer.alloc(256 * MIB), { level: 9 });
const CLOSED = "closed";
const DRIP_MS = 200;

async function tcp({ target, end }: Visit, protocol: "grpc" | "http"): Promise<Socket> {
  const { hostname, port } = new URL(protocol === "grpc" ? target.grpcUrl : target.httpUrl);
  const socket = connect({ host: hostname, port: Number(port), noDelay: true });
  // An end is an answer here.
  socket.on("error", () => socket.destroy());
  const stop = (): void => void socket.destroy();
  end.addEventListener("abort", stop);
  socket.on("close", () => end.removeEventListener("abort", stop));
  await new Promise<void>((resolve) => {
    socket.once("connect", () => resolve()).once("close", () => resolve());
  });
  return socket;
}

function head(length: number, more: readonly string[] = []): string {
  const lines = [
    "POST /v1/traces HTTP/1.1",
    "Host: collector",
    "Content-Type: application/x-protobuf",
    `Content-Length: ${length}`,
    ...more,
  ];
  return `${lines.join("\r\n")}\r\n\r\n`;
}

/** @returns `HTTP 413`, or that the connection was closed without an answer */
async function statusOn(socket: Socket): Promise<string> {
  if (socket.closed) return CLOSED;
  const chunks: Buffer[] = [];
  const { promise, resolve } = Promise.withResolvers<string>();
  socket.on("close", () => resolve(CLOSED));
  socket.on("data", (chunk: Buffer) => {
    chunks.push(chunk);
    const status = /^HTTP\/1\.1 (\d+)/.exec(Buffer.concat(chunks).toString("latin1"))?.[1];
    if (status !== undefined) resolve(`HTTP ${status}`);
  });
  const status = await promise;
  socket.destroy();
  return status;
}

async function withSession(
  { target, end }: Visit,
  use: (session: ClientHttp2Session) => Promise<string>,
): Promise<string> {
  const session = connectHttp2(target.grpcUrl);
  const { promise: closed, resolve } = Promise.withResolvers<string>();
  session.on("error", () => session.destroy()).on("close", () => resolve(CLOSED));
  const stop = (): void => session.destroy();
  end.addEventListener("abort", stop);
  try {
    return await Promise.race([use(session), closed]);
  } finally {
    end.removeEventListener("abort", stop);
    session.destroy();
  }
}

function call(
  session: ClientHttp2Session,
  more: Record<string, string> = {},
): ReturnType<ClientHttp2Session["request"]> {
  const headers = {
    ":method": "POST",
    ":path": grpcPath("traces"),
    "content-type": "application/grpc",
    te: "trailers",
  };
  const stream = session.request({ ...headers, ...more });
  stream.on("error", () => undefined);
  return stream;
}

function frame(flag: 0 | 1, message: Uint8Array, length: number = message.length): Buffer {
  const prefix = Buffer.alloc(5);
  prefix[0] = flag;
  prefix.writeUInt32BE(length, 1);
  return Buffer.concat([prefix, message]);
}

/** @returns `gRPC 8`, or how the stream ended otherwise */
async function grpcStatus(stream: ReturnType<typeof call>): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const look = (headers: Readonly<Record<string, unknown>>): void => {
    if (headers["grpc-status"] !== undefined) resolve(`gRPC ${headers["grpc-status"]}`);
  };
  stream
    .on("response", look)
    .on("trailers", look)
    .on("close", () => resolve(CLOSED))
    .resume();
  return promise;
}

const half = (bytes: Buffer, random: Random): Buffer => bytes.subarray(0, random.between(1, bytes.length - 1));

const RUDE: Readonly<Record<string, Rudeness>> = {
  "HTTP: leaves before the answer": {
    async act(visit) {
      const socket = await tcp(visit, "http");
      socket.write(Buffer.concat([Buffer.from(head(visit.request.length)), visit.request]));
      await pause(visit.random.between(0, 3));
      socket.resetAndDestroy();
      return "left";
    },
    expected: /^left$/,
  },
  "HTTP: half a request": {
    async act(visit) {
      const socket = await tcp(visit, "http");
      const whole = Buffer.concat([Buffer.from(head(visit.request.length)), visit.request]);
      socket.write(half(whole, visit.random));
      await pause(visit.random.between(0, 20));
      socket.end();
      return statusOn(socket);
    },
    expected: /^(closed|HTTP 400)$/,
  },
  "HTTP: more than the limit": {
    async act(visit) {
      const socket = await tcp(visit, "http");
      socket.write(head(LIMIT.http + 1));
      socket.write(Buffer.alloc(visit.random.between(0, MIB)));
      return statusOn(socket);
    },
    expected: /^HTTP 413$/,
  },
  "HTTP: more than the limit, in chunks": {
    async act(visit) {
      const socket = await tcp(visit, "http");
      socket.write(head(0).replace("Content-Length: 0", "Transfer-Encoding: chunked"));
      const chunk = Buffer.concat([Buffer.from(`${MIB.toString(16)}\r\n`), Buffer.alloc(MIB), Buffer.from("\r\n")]);
      const status = statusOn(socket);
      for (let sent = 0; sent <= LIMIT.http && !socket.destroyed; sent += MIB)
        if (!socket.write(chunk)) await Promise.race([once(socket, "drain"), status]);
      return status;
    },
    expected: /^HTTP 413$/,
  },
  "HTTP: a bomb": {
    async act(visit) {
      const socket = await tcp(visit, "http");
      socket.write(head(BOMB.length, ["Content-Encoding: gzip"]));
      socket.write(BOMB);
      return statusOn(socket);
    },
    expected: /^HTTP 413$/,
  },
  "HTTP: byte by byte": {
    async act(visit) {
      const socket = await tcp(visit, "http");
      const text = head(1000);
      for (let at = 0; at < text.length && !socket.destroyed; at++) {
        socket.write(text[at]!);
        await pause(DRIP_MS);
      }
      socket.destroy();
      return CLOSED;
    },
    expected: /^closed$/,
    lasts: true,
  },
  "gRPC: leaves before the answer": {
    act: (visit) =>
      withSession(visit, async (session) => {
        const stream = call(session);
        stream.end(frame(0, visit.request));
        await pause(visit.random.between(0, 3));
        stream.close(constants.NGHTTP2_CANCEL);
        return "left";
      }),
    expected: /^left$/,
  },
  "gRPC: half a message": {
    act: (visit) =>
      withSession(visit, async (session) => {
        const stream = call(session);
        stream.end(half(frame(0, visit.request), visit.random));
        return grpcStatus(stream);
      }),
    expected: /^gRPC 13$/,
  },
  "gRPC: more than the limit": {
    act: (visit) =>
      withSession(visit, async (session) => {
        const stream = call(session);
        stream.write(frame(0, Buffer.alloc(1000), LIMIT.grpc + 1));
        return grpcStatus(stream);
      }),
    expected: /^gRPC 8$/,
  },
  "gRPC: a bomb": {
    act: (visit) =>
      withSession(visit, async (session) => {
        const stream = call(session, { "grpc-encoding": "gzip" });
        stream.end(frame(1, BOMB));
        return grpcStatus(stream);
      }),
    expected: /^gRPC 8$/,
  },
  "gRPC: never says a word": {
    async act(visit) {
      const socket = await tcp(visit, "grpc");
      await Promise.race([once(socket, "close"), pause(visit.random.between(200, 3000))]);
      socket.destroy();
      return CLOSED;
    },
    expected: /^closed$/,
  },
};

/** One of each, all the time. */
export class RudeCompany {
  readonly #end = new AbortController();
  readonly #running: Promise<unknown>;
  readonly #requests = new Requests("traces");
  /** `KIND: OUTCOME`, and how often. */
  readonly outcomes: Map<string, number> = new Map();
  readonly problems: string[] = [];
  readonly #everybody: Promise<unknown>;

  constructor(ledger: Ledger, target: Target, random: Random) {
    const first: Promise<void>[] = [];
    const lanes = Object.entries(RUDE).map(([name, rudeness]) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      if (!rudeness.lasts) first.push(promise);
      return this.#lane(name, rudeness, ledger, target, random.fork(), resolve);
    });
    this.#everybody = Promise.all(first);
    this.#running = Promise.all(lanes);
  }

  /** Stops when everybody has been there at least once. */
  async stop(): Promise<void> {
    await this.#everybody;
    this.#end.abort();
    await this.#running;
  }

  async #lane(
    name: string,
    { act, expected }: Rudeness,
    ledger: Ledger,
    target: Target,
    random: Random,
    wasThere: () => void,
  ): Promise<void> {
    while (!this.#end.signal.aborted) {
      const attempt = this.#requests.attempt(ledger.next("traces"), 0);
      ledger.sent(attempt);
      const outcome = await act({ target, random, request: attempt.bytes, end: this.#end.signal });
      ledger.notAcknowledged(attempt, { kind: "unanswered", why: "a rude client's" });
      // What the end of the scenario cut off counts for nothing.
      if (this.#end.signal.aborted) return;
      const key = `${name}: ${outcome}`;
      this.outcomes.set(key, (this.outcomes.get(key) ?? 0) + 1);
      if (!expected.test(outcome)) this.problems.push(`${key}, which is not ${expected}`);
      wasThere();
      await pause(random.between(5, 50));
    }
  }
}
