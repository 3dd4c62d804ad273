import { connect, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { type Deadline, Deadlines } from "./deadlines.ts";
import { type HttpResponse, ResponseParser } from "./http1-parser.ts";

/** Kept connections: as many, and as long, as the Collector's client keeps them. */
const MAX_IDLE = 100;
const IDLE_MS = 90_000;
const SWEEP_MS = 10_000;
/** Bodies up to here are copied behind their headers: one write of one piece is cheaper than a gathering one. */
const COPY_BELOW = 16 * 1024;
/** For such a body and its headers. */
const SCRATCH = 32 * 1024;
const READ_BUFFER = 64 * 1024;

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

  constructor(
    head: string,
    body: Uint8Array,
    resolve: (response: HttpResponse) => void,
    reject: (error: HttpClientError) => void,
  ) {
    this.head = head;
    this.body = body;
    this.resolve = resolve;
    this.reject = reject;
  }

  onDeadline(): void {
    this.connection?.fail(new HttpClientError("timeout", "no response in time"));
  }
}

/**
 * HTTP/1.1 to one origin, for what OTLP needs: POST, a body that is there in full, kept connections, one request at a time on each.
 * A general client costs about as much CPU again as the whole receiver.
 */
export class HttpClient {
  readonly #origin: URL;
  readonly #idle: Connection[] = [];
  readonly #all: Set<Connection> = new Set();
  readonly #deadlines: Deadlines = new Deadlines();
  /** All connections read into it; what is to be kept is copied out at once. */
  readonly #readBuffer: Buffer = Buffer.allocUnsafeSlow(READ_BUFFER);
  /** Requests are put together in it; once the system has taken one, the memory is free for the next. */
  #scratch: Buffer = Buffer.allocUnsafeSlow(SCRATCH);
  #sweeper: NodeJS.Timeout | undefined;
  #closed = false;
  #inFlight = 0;
  #drained: (() => void) | undefined;

  /** @param origin `http:` or `https:`; only host and port are looked at */
  constructor(origin: URL) {
    this.#origin = origin;
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
      const connection = this.#idle.pop() ?? this.#connect();
      const request = new Request(head, body, resolve, reject);
      this.#inFlight++;
      this.#deadlines.add(request, timeoutMs);
      connection.send(request);
    });
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
    for (const connection of this.#all) connection.socket.destroy();
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
    if (!reusable || this.#closed || this.#idle.length >= MAX_IDLE) connection.socket.destroy();
    else {
      this.#idle.push(connection);
      this.#sweeper ??= setInterval(() => this.#sweep(), SWEEP_MS).unref();
    }
    request.resolve(response);
    this.#leave();
  }

  /** @internal a connection has died with a request on it */
  failed(request: Request, error: HttpClientError, stale: boolean): void {
    // A server may close a kept connection just when it is used: that is nobody's failure, and a new connection decides.
    if (stale && !request.retried) {
      request.retried = true;
      this.#connect().send(request);
      return;
    }
    this.#deadlines.remove(request);
    request.reject(error);
    this.#leave();
  }

  /** @internal */
  gone(connection: Connection): void {
    this.#all.delete(connection);
    const index = this.#idle.indexOf(connection);
    if (index >= 0) this.#idle.splice(index, 1);
  }

  #leave(): void {
    if (--this.#inFlight === 0) this.#drained?.();
  }

  #sweep(): void {
    const now = performance.now();
    // The longest unused stand first.
    for (const connection of this.#idle.filter((each) => each.idleSince + IDLE_MS < now)) connection.socket.destroy();
    if (this.#all.size === 0) {
      clearInterval(this.#sweeper);
      this.#sweeper = undefined;
    }
  }

  #connect(): Connection {
    const { protocol, hostname, port } = this.#origin;
    const host = hostname.replace(/^\[(.*)\]$/, "$1");
    const secure = protocol === "https:";
    const connection = new Connection(this);
    const onread = {
      buffer: this.#readBuffer,
      callback: (length: number): boolean => connection.read(this.#readBuffer, length),
    };
    const target = { host, port: Number(port) || (secure ? 443 : 80), noDelay: true, keepAlive: true, onread };
    // TLS has no server names for addresses.
    const name = isIP(host) === 0 ? { servername: host } : {};
    const socket = secure ? connectTls({ ...target, ...name, ALPNProtocols: ["http/1.1"] }) : connect(target);
    connection.attach(socket);
    this.#all.add(connection);
    return connection;
  }
}

class Connection {
  idleSince: number = 0;
  readonly #client: HttpClient;
  readonly #parser: ResponseParser = new ResponseParser();
  #socket: Socket | undefined;
  #request: Request | undefined;
  #used = false;
  #error: HttpClientError | undefined;

  constructor(client: HttpClient) {
    this.#client = client;
  }

  get socket(): Socket {
    return this.#socket!;
  }

  attach(socket: Socket): void {
    this.#socket = socket;
    socket.on("error", (cause) => {
      this.#error ??= new HttpClientError("connection", messageOf(cause), { cause });
    });
    socket.on("end", () => {
      const response = this.#parser.end();
      if (response !== undefined) this.#answer(response);
    });
    socket.on("close", () => this.#gone());
  }

  send(request: Request): void {
    this.#request = request;
    request.connection = this;
    const { head, body } = request;
    const socket = this.socket;
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

  /** @returns true: go on reading */
  read(buffer: Buffer, length: number): boolean {
    if (this.#request === undefined) {
      // Nothing was asked: not a connection to trust with the next request.
      this.socket.destroy();
      return true;
    }
    try {
      const response = this.#parser.push(buffer.subarray(0, length));
      if (response !== undefined) this.#answer(response);
    } catch (cause) {
      this.fail(new HttpClientError("protocol", messageOf(cause), { cause }));
    }
    return true;
  }

  fail(error: HttpClientError): void {
    this.#error ??= error;
    this.socket.destroy();
    this.#gone();
  }

  #answer(response: HttpResponse): void {
    const request = this.#request;
    if (request === undefined) return;
    this.#request = undefined;
    this.#used = true;
    this.idleSince = performance.now();
    // An answer that came before the request was sent in full (413) leaves the rest of it on the line.
    const reusable = this.#parser.keepAlive && this.socket.writableLength === 0 && this.socket.writable;
    this.#client.answered(this, request, response, reusable);
  }

  #gone(): void {
    this.#client.gone(this);
    const request = this.#request;
    if (request === undefined) return;
    this.#request = undefined;
    const error = this.#error ?? new HttpClientError("connection", "the server closed the connection");
    const stale = this.#used && !this.#parser.begun && error.code === "connection";
    this.#client.failed(request, error, stale);
  }
}

function messageOf(cause: unknown): string {
  if (cause instanceof AggregateError && cause.errors.length > 0) return cause.errors.map(messageOf).join("; ");
  return cause instanceof Error ? cause.message : String(cause);
}
