/** An answer. Header names are in lower case; of a repeated header the last counts, but all of `set-cookie`, with line feeds between them. */
export interface HttpResponse {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  /** At most `MAX_KEPT_BODY` bytes of it. */
  readonly body: Uint8Array;
}

/** Answers to OTLP are small; of a larger one (a proxy's error page) the start is enough. The Collector keeps as much. */
export const MAX_KEPT_BODY: number = 64 * 1024;
/** Nobody waits for the end of a longer one: the answer counts, and the connection is given up. */
const MAX_READ_BODY = 1024 * 1024;
const MAX_HEAD = 64 * 1024;
const EMPTY = new Uint8Array();
/** Somebody on the way may take it for the end of a line. */
const NOT_A_VALUE = /[\r\n\0]/;

/** Of headers that may be repeated. */
const SEPARATORS: ReadonlyMap<string, string> = new Map([
  ["transfer-encoding", ", "],
  ["connection", ", "],
  ["set-cookie", "\n"],
]);

const State = {
  HEAD: 0,
  LENGTH: 1,
  CHUNK_SIZE: 2,
  CHUNK_DATA: 3,
  CHUNK_END: 4,
  TRAILER: 5,
  UNTIL_CLOSE: 6,
  DONE: 7,
} as const;
type State = (typeof State)[keyof typeof State];

interface Head {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly keepAlive: boolean;
  /** What the body is: a length, chunks, or all that comes until the connection is closed. */
  readonly framing: number | "chunked" | "close";
}

/**
 * Reads the answers of one connection, one after the other: RFC 9112, sections 4 to 7. Strict: what is not plainly an answer is an error,
 * since a connection that is out of step would give one request the answer of another.
 */
export class ResponseParser {
  #state: State = State.HEAD;
  /** A line or head of which the end has not come yet. */
  #partial = "";
  #head: Head | undefined;
  #left = 0;
  #kept: Uint8Array[] = [];
  #keptLength = 0;
  /** Of the body, so far. */
  #read = 0;
  /** Answers mostly repeat the last one's head byte for byte: then it is not read again. */
  #lastHead: Uint8Array = EMPTY;
  #lastParsed: Head | undefined;

  /** Whether some of an answer has come. */
  get begun(): boolean {
    return this.#state !== State.HEAD || this.#partial !== "";
  }

  /**
   * @param chunk not kept; what follows a complete answer is an error
   * @returns the answer when it is complete
   * @throws Error if this is not HTTP
   */
  push(chunk: Buffer): HttpResponse | undefined {
    let at = 0;
    for (;;) {
      at = this.#step(chunk, at);
      if (this.#state === State.DONE) {
        if (at < chunk.length) throw new Error("malformed HTTP response: bytes after its end");
        return this.#take();
      }
      if (this.#read > MAX_READ_BODY) return this.#take();
      // An interim answer (1xx) leaves nothing behind, and the head of the next may be here already.
      if (at >= chunk.length) return undefined;
    }
  }

  /**
   * The server has closed the connection.
   *
   * @returns the answer if this was its end
   */
  end(): HttpResponse | undefined {
    return this.#state === State.UNTIL_CLOSE ? this.#take() : undefined;
  }

  /** After an answer: whether the connection may be used again. */
  get keepAlive(): boolean {
    return this.#lastKeepAlive;
  }
  #lastKeepAlive = false;

  #take(): HttpResponse {
    const head = this.#head!;
    this.#lastKeepAlive = head.keepAlive && this.#state === State.DONE;
    const body = this.#kept.length === 0 ? EMPTY : Buffer.concat(this.#kept, this.#keptLength);
    this.#state = State.HEAD;
    this.#head = undefined;
    this.#kept = [];
    this.#keptLength = 0;
    this.#read = 0;
    return { status: head.status, headers: head.headers, body };
  }

  /** @returns how far it has come */
  #step(chunk: Buffer, at: number): number {
    switch (this.#state) {
      case State.HEAD:
        return this.#readHead(chunk, at);
      case State.LENGTH: {
        const end = this.#readBody(chunk, at);
        if (this.#left === 0) this.#state = State.DONE;
        return end;
      }
      case State.CHUNK_DATA: {
        const end = this.#readBody(chunk, at);
        if (this.#left === 0) this.#state = State.CHUNK_END;
        return end;
      }
      case State.UNTIL_CLOSE:
        this.#left = chunk.length - at;
        return this.#readBody(chunk, at);
      default:
        return this.#readLine(chunk, at);
    }
  }

  #readBody(chunk: Buffer, at: number): number {
    const end = Math.min(chunk.length, at + this.#left);
    this.#left -= end - at;
    this.#read += end - at;
    const room = MAX_KEPT_BODY - this.#keptLength;
    if (room > 0 && end > at) {
      // The chunk's memory is used again for the next read.
      const kept = Uint8Array.prototype.slice.call(chunk, at, Math.min(end, at + room));
      this.#kept.push(kept);
      this.#keptLength += kept.length;
    }
    return end;
  }

  #readHead(chunk: Buffer, at: number): number {
    const last = this.#lastHead;
    const known = at + last.length;
    if (this.#partial === "" && this.#lastParsed !== undefined && known <= chunk.length) {
      if (chunk.compare(last, 0, last.length, at, known) === 0) {
        this.#begin(this.#lastParsed);
        return known;
      }
    }
    const before = this.#partial.length;
    const text = this.#partial + chunk.toString("latin1", at);
    const end = text.indexOf("\r\n\r\n", Math.max(0, before - 3));
    if (end < 0) {
      if (text.length > MAX_HEAD) throw new Error(`malformed HTTP response: more than ${MAX_HEAD} bytes of headers`);
      this.#partial = text;
      return chunk.length;
    }
    this.#partial = "";
    const next = at + end + 4 - before;
    const head = parseHead(text.slice(0, end));
    if (before === 0) {
      this.#lastHead = Uint8Array.prototype.slice.call(chunk, at, next);
      this.#lastParsed = head;
    }
    this.#begin(head);
    return next;
  }

  #begin(head: Head): void {
    if (head.status < 200) {
      if (head.status === 101) throw new Error("malformed HTTP response: a switch of protocols that nobody asked for");
      return;
    }
    this.#head = head;
    const { framing } = head;
    if (framing === 0) this.#state = State.DONE;
    else if (framing === "chunked") this.#state = State.CHUNK_SIZE;
    else if (framing === "close") this.#state = State.UNTIL_CLOSE;
    else {
      this.#left = framing;
      this.#state = State.LENGTH;
    }
  }

  #readLine(chunk: Buffer, at: number): number {
    const found = chunk.indexOf(0x0a, at);
    const end = found < 0 ? chunk.length : found + 1;
    const text = this.#partial + chunk.toString("latin1", at, end);
    if (text.length > MAX_HEAD) throw new Error("malformed HTTP response: a line that does not end");
    if (found < 0) {
      this.#partial = text;
      return end;
    }
    this.#partial = "";
    if (!text.endsWith("\r\n")) throw new Error("malformed HTTP response: a line without CR LF");
    this.#line(text.slice(0, -2));
    return end;
  }

  #line(line: string): void {
    if (this.#state === State.CHUNK_END) {
      if (line !== "") throw new Error("malformed HTTP response: a chunk is longer than its size");
      this.#state = State.CHUNK_SIZE;
    } else if (this.#state === State.TRAILER) {
      if (line === "") this.#state = State.DONE;
    } else {
      const size = /^([0-9a-fA-F]{1,12})[ \t]*(?:;|$)/.exec(line)?.[1];
      if (size === undefined) throw new Error("malformed HTTP response: a chunk without a size");
      this.#left = Number.parseInt(size, 16);
      this.#state = this.#left === 0 ? State.TRAILER : State.CHUNK_DATA;
    }
  }
}

function parseHead(text: string): Head {
  const [first = "", ...lines] = text.split("\r\n");
  const status = /^HTTP\/1\.([01]) (\d{3})(?: |$)/.exec(first);
  if (status === null) throw new Error(`malformed HTTP response: it begins with ${JSON.stringify(first.slice(0, 40))}`);
  const headers = new Map<string, string>();
  const lengths = new Set<string>();
  for (const line of lines) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon).toLowerCase();
    if (colon < 1 || /\s/.test(name) || NOT_A_VALUE.test(line))
      throw new Error("malformed HTTP response: a line that is not a header");
    const value = line.slice(colon + 1).trim();
    if (name === "content-length") lengths.add(value);
    const separator = SEPARATORS.get(name);
    const before = separator === undefined ? undefined : headers.get(name);
    headers.set(name, before === undefined ? value : before + separator + value);
  }
  const code = Number(status[2]);
  const connection = tokens(headers.get("connection"));
  const keepAlive = status[1] === "1" ? !connection.includes("close") : connection.includes("keep-alive");
  const coding = tokens(headers.get("transfer-encoding"));
  if (code < 200 || code === 204 || code === 304) return { status: code, headers, keepAlive, framing: 0 };
  if (coding.length > 0) {
    const chunked = coding.length === 1 && coding[0] === "chunked";
    if (!chunked) throw new Error(`unsupported Transfer-Encoding ${JSON.stringify(coding.join(", "))} of a response`);
    // With a length as well, somebody on the way may have read it differently.
    return { status: code, headers, keepAlive: keepAlive && lengths.size === 0, framing: "chunked" };
  }
  if (lengths.size === 0) return { status: code, headers, keepAlive: false, framing: "close" };
  const [length = ""] = lengths;
  if (lengths.size > 1 || !/^\d{1,15}$/.test(length)) throw new Error("malformed HTTP response: its Content-Length");
  return { status: code, headers, keepAlive, framing: Number(length) };
}

function tokens(value: string | undefined): string[] {
  if (value === undefined) return [];
  return value
    .toLowerCase()
    .split(",")
    .map((token) => token.trim())
    .filter((token) => token !== "");
}
