import type { Socket } from "node:net";
import { type Deadline, Deadlines } from "./deadlines.ts";
import { causeOf, type Destination, dial, type Reading } from "./dial.ts";
import { type HttpResponse, ResponseParser } from "./http1-parser.ts";

/** How often is looked for connections that have been idle for too long: at most, and at least. */
const SWEEP_MS: readonly [number, number] = [50, 10_000];
/** Bodies up to here are copied behind their headers: one write of one piece is cheaper than a gathering one. */
const COPY_BELOW = 16 * 1024;
/** For such a body and its headers. */
const SCRATCH = 32 * 1024;
const READ_BUFFER = 64 * 1024;

export interface HttpClientOptions {
  readonly destination: Destination;
  /** Connections that may wait for the next request. */
  readonly maxIdle: number;
  /** How long one may wait, in milliseconds. */
  readonly idleMs: number;
  /** Connections in all; requests beyond wait for one to become free. */
  readonly maxConnections: number;
  /** Whether connections are used again. */
  readonly keepAlive: boolean;
  /** The most that is read from a connection at once, in bytes. */
  readonly readBuffer?: number | undefined;
}

/** Nothing came back. `timeout`: in time; the server may have taken the request all the same. */
export class HttpClientError extends Error {
  override readonly name: string = "HttpClientError";
  readonly code: "connection" | "timeout" | "protocol" | "closed";

  constructor(code: "connection" | "timeout" | "protocol" | "closed", message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

class Request implements Deadline {
  deadlineAt: number = 0;
  deadlineIndex: number = -1;
  connection: Connection | undefined = undefined;
  retried: boolean = false;
  readonly head: string;
  readonly body: Uint8Array;
  readonly resolve: (response: HttpResponse) => void;
  readonly reject: (error: HttpClientError) => void;
  readonly #client: HttpClient;

  constructor(
    client: HttpClient,
    head: string,
    body: Uint8Array,
    resolve: (response: HttpResponse) => void,
    reject: (error: HttpClientError) => void,
  ) {
    this.#client = client;
    this.head = head;
    this.body = body;
    this.resolve = resolve;
    this.reject = reject;
  }

  onDeadline(): void {
    if (this.connection === undefined) this.#client.expired(this);
    else this.connection.fail(new HttpClientError("timeout", "no response in time"));
  }
}

/**
 * HTTP/1.1 to one origin, for what OTLP needs: POST, a body that is there in full, kept connections, one request at a time on each.
 * A general client costs about as much CPU again as the whole receiver.
 */
export class HttpClient {
  readonly #options: HttpClientOptions;
  readonly #idle: Connection[] = [];
  readonly #all: Set<Connection> = new Set();
  /** Requests for which there may be no further connection. */
  readonly #waiting: Set<Request> = new Set();
  readonly #deadlines: Deadlines = new Deadlines();
  readonly #readBuffer: Buffer;
  /** Requests are put together in it; once the system has taken one, the memory is free for the next. */
  #scratch: Buffer = Buffer.allocUnsafeSlow(SCRATCH);
  #sweeper: NodeJS.Timeout | undefined;
  #closed = false;
  #inFlight = 0;
  #drained: (() => void) | undefined;

  constructor(options: HttpClientOptions) {
    this.#options = options;
    this.#readBuffer = Buffer.allocUnsafeSlow(options.readBuffer ?? READ_BUFFER);
  }

  /**
   * @param head the request line and all headers, each with CR LF, except for Content-Length and the empty line
   * @param body must not be changed until the promise settles
   * @returns the answer, whatever its status
   * @throws HttpClientError if there is none
   */
  send(head: string, body: Uint8Array, timeoutMs: number): Promise<HttpResponse> {
    return new Promise((resolve, reject) => {
      if (this.#closed) {
        reject(new HttpClientError("closed", "the client is closed"));
        return;
      }
      const request = new Request(this, head, body, resolve, reject);
      this.#inFlight++;
      this.#deadlines.add(request, timeoutMs);
      let connection = this.#idle.pop();
      // Ended a moment ago, and not taken out yet.
      while (connection !== undefined && !connection.usable) connection = this.#idle.pop();
      if (connection === undefined) this.#sendAnew(request);
      else connection.send(request);
    });
  }

  /** On a connection of its own, or when there is room for one. */
  #sendAnew(request: Request): void {
    if (this.#all.size >= this.#options.maxConnections) this.#waiting.add(request);
    else this.#connect().send(request);
  }

  #next(): Request | undefined {
    for (const request of this.#waiting) {
      this.#waiting.delete(request);
      return request;
    }
    return undefined;
  }

  /** Resolves when all requests have had their answers (or their time), and the connections are closed. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#inFlight > 0) {
      await new Promise<void>((resolve) => {
        this.#drained = resolve;
      });
    }
    clearInterval(this.#sweeper);
    this.#deadlines.close();
    for (const connection of this.#all) connection.destroy();
  }

  /** @internal writes a small request in one piece */
  writeSmall(socket: Socket, head: string, body: Uint8Array): void {
    const length = head.length + body.length;
    const reused = length <= SCRATCH;
    const whole = reused ? this.#scratch : Buffer.allocUnsafeSlow(length);
    whole.write(head, "latin1");
    whole.set(body, head.length);
    socket.write(whole.subarray(0, length));
    // Not taken at once (while it connects, for example): the socket still needs it.
    if (reused && socket.writableLength > 0) this.#scratch = Buffer.allocUnsafeSlow(SCRATCH);
  }

  /** @internal a connection has given its request's answer */
  answered(connection: Connection, request: Request, response: HttpResponse, reusable: boolean): void {
    this.#deadlines.remove(request);
    const { maxIdle, keepAlive } = this.#options;
    const next = this.#waiting.size > 0 && reusable && keepAlive ? this.#next() : undefined;
    if (next !== undefined) connection.send(next);
    else if (!reusable || !keepAlive || this.#closed || this.#idle.length >= maxIdle) connection.destroy();
    else {
      this.#idle.push(connection);
      this.#sweeper ??= setInterval(() => this.#sweep(), this.#sweepMs()).unref();
    }
    request.resolve(response);
    this.#leave();
  }

  #sweepMs(): number {
    const [least, most] = SWEEP_MS;
    return Math.max(least, Math.min(most, this.#options.idleMs / 4));
  }

  /** @internal a connection has died with a request on it */
  failed(request: Request, error: HttpClientError, stale: boolean): void {
    // A server may close a kept connection just when it is used: that is nobody's failure, and a new connection decides.
    if (stale && !request.retried) {
      request.retried = true;
      request.connection = undefined;
      this.#sendAnew(request);
      return;
    }
    this.#deadlines.remove(request);
    request.reject(error);
    this.#leave();
  }

  /** @internal its time was over before there was a connection for it */
  expired(request: Request): void {
    this.#waiting.delete(request);
    const most = this.#options.maxConnections;
    request.reject(new HttpClientError("timeout", `none of the ${most} connections was free in time`));
    this.#leave();
  }

  /** @internal */
  gone(connection: Connection): void {
    if (!this.#all.delete(connection)) return;
    const index = this.#idle.indexOf(connection);
    if (index >= 0) this.#idle.splice(index, 1);
    const next = this.#waiting.size > 0 ? this.#next() : undefined;
    if (next !== undefined) this.#connect().send(next);
  }

  #leave(): void {
    if (--this.#inFlight === 0) this.#drained?.();
  }

  #sweep(): void {
    const oldest = performance.now() - this.#options.idleMs;
    // The longest unused stand first.
    for (const connection of this.#idle.filter((each) => each.idleSince < oldest)) connection.destroy();
    if (this.#all.size === 0) {
      clearInterval(this.#sweeper);
      this.#sweeper = undefined;
    }
  }

  #connect(): Connection {
    const connection = new Connection(this, this.#readBuffer);
    this.#all.add(connection);
    connection.open(this.#options.destination);
    return connection;
  }
}

class Connection implements Reading {
  readonly buffer: Buffer;
  idleSince: number = 0;
  readonly #client: HttpClient;
  readonly #parser: ResponseParser = new ResponseParser();
  #socket: Socket | undefined;
  #request: Request | undefined;
  #used = false;
  #error: HttpClientError | undefined;
  /** Whether the peer has said that it does not take what comes. */
  #refused = false;
  #cancel: () => void = () => {};

  constructor(client: HttpClient, buffer: Buffer) {
    this.#client = client;
    this.buffer = buffer;
  }

  open(destination: Destination): void {
    this.#cancel = dial(destination, this, {
      done: (socket) => this.#attach(socket),
      failed: (cause) => this.fail(new HttpClientError("connection", cause.message, { cause })),
    });
  }

  #attach(socket: Socket): void {
    this.#socket = socket;
    socket.on("error", (cause) => {
      this.#error ??= new HttpClientError("connection", causeOf(cause), { cause });
      this.#refused = isRefusal(cause);
    });
    socket.on("end", () => {
      const response = this.#parser.end();
      if (response !== undefined) this.#answer(response);
      else if (this.#request === undefined) this.#client.gone(this);
    });
    socket.on("close", () => this.#gone());
    if (this.#request !== undefined) this.#write(socket, this.#request);
  }

  get usable(): boolean {
    return this.#socket?.writable === true;
  }

  destroy(): void {
    this.#cancel();
    this.#socket?.destroy();
  }

  send(request: Request): void {
    this.#request = request;
    request.connection = this;
    if (this.#socket !== undefined) this.#write(this.#socket, request);
  }

  #write(socket: Socket, { head, body }: Request): void {
    const start = `${head}content-length: ${body.length}\r\n\r\n`;
    if (body.length < COPY_BELOW) {
      this.#client.writeSmall(socket, start, body);
      return;
    }
    socket.cork();
    socket.write(start, "latin1");
    socket.write(body);
    socket.uncork();
  }

  read(chunk: Buffer): void {
    if (this.#request === undefined) {
      // Nothing was asked: not a connection to trust with the next request.
      this.destroy();
      return;
    }
    try {
      const response = this.#parser.push(chunk);
      if (response !== undefined) this.#answer(response);
    } catch (cause) {
      this.fail(new HttpClientError("protocol", causeOf(cause), { cause }));
    }
  }

  fail(error: HttpClientError): void {
    this.#error ??= error;
    this.destroy();
    this.#gone();
  }

  #answer(response: HttpResponse): void {
    const request = this.#request;
    if (request === undefined) return;
    this.#request = undefined;
    if (response.status === 408 && this.#used && !request.retried) {
      // The server had given up waiting for a request before this one came: it may be repeated (RFC 9110, section 15.5.9).
      this.destroy();
      this.#client.gone(this);
      this.#client.failed(request, new HttpClientError("connection", "the server closed the connection"), true);
      return;
    }
    this.#used = true;
    this.idleSince = performance.now();
    // An answer that came before the request was sent in full (413) leaves the rest of it on the line.
    const socket = this.#socket;
    const reusable = this.#parser.keepAlive && socket?.writableLength === 0 && socket.writable;
    this.#client.answered(this, request, response, reusable);
  }

  /**
   * Whether the request cannot have been processed: the peer never had all of it. Where the connection only ended, nobody knows, and to send the request
   * again is for those to decide who count duplicates.
   */
  #unseen(): boolean {
    return this.#refused || (this.#socket?.writableLength ?? 0) > 0;
  }

  #gone(): void {
    this.#client.gone(this);
    const request = this.#request;
    if (request === undefined) return;
    this.#request = undefined;
    const error = this.#error ?? new HttpClientError("connection", "the server closed the connection");
    const stale = this.#used && !this.#parser.begun && error.code === "connection" && this.#unseen();
    this.#client.failed(request, error, stale);
  }
}

/** The peer's system has refused what came: its program had closed the connection, or has not read all of it. */
function isRefusal(cause: Error): boolean {
  return "code" in cause && (cause.code === "ECONNRESET" || cause.code === "EPIPE");
}
