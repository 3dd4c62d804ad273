// HTTP/2 as OTLP over gRPC needs it: https://www.rfc-editor.org/rfc/rfc9113. No push, no priorities, no dynamic table for what we send.
import type { Socket } from "node:net";
import { type HeaderBlock, HeaderBlocks } from "./blocks.ts";
import { AckBudget, ResetBudget, unread } from "./budgets.ts";
import {
  Flag,
  FrameReader,
  type FrameSink,
  FrameType,
  Http2Code,
  Http2Error,
  MAX_WINDOW,
  PREFACE,
  PrefaceReader,
  readUint32,
  Setting,
} from "./frames.ts";
import { type Headers, HpackDecoder } from "./hpack.ts";
import { FrameWriter } from "./output.ts";
import { Http2Sender } from "./sender.ts";
import { readSettings } from "./settings.ts";
import type { ConnectionHandler, ConnectionOptions, Http2Stream } from "./stream.ts";

/** What the peer may send on a connection before it hears from us. */
const CONNECTION_WINDOW = 64 * 1024 * 1024;
/** A client's answers that it does not read pile up to here: far more than as many streams as it may have open can be answered with. */
const MAX_UNREAD = 4 * 1024 * 1024;
/** After an error, for the peer to read what it did wrong. */
const LINGER_MS = 500;
/** At a farewell, how long the answer to a ping may take: grpc-go's. */
const FAREWELL_MS = 5_000;
const EMPTY = new Uint8Array();

/** One connection, either side. */
export class Http2Connection implements FrameSink {
  /** How many streams this side may have open: none until the peer has introduced itself. */
  peerMaxStreams: number = 0;
  readonly #socket: Socket;
  readonly #options: ConnectionOptions;
  readonly #handler: ConnectionHandler;
  readonly #reader: FrameReader = new FrameReader(this);
  readonly #writer: FrameWriter;
  readonly #out: Http2Sender;
  readonly #decoder: HpackDecoder = new HpackDecoder();
  readonly #streams: Map<number, Http2Stream> = new Map();
  #preface: PrefaceReader | undefined;
  #introduced = false;
  #nextId = 1;
  /** The last stream that the client has opened. */
  #lastId = 0;
  /** Streams after this one are not taken any more. */
  #acceptUpTo: number = MAX_WINDOW;
  #ending = false;
  /** Nothing that still comes is looked at. */
  #failed = false;
  /** Received, and not given back to the peer's window yet. */
  #credit = 0;
  readonly #blocks: HeaderBlocks = new HeaderBlocks();
  #pings: ((alive: boolean) => void)[] = [];
  readonly #resets: ResetBudget = new ResetBudget();
  readonly #acks: AckBudget;
  #error: Error | undefined;

  constructor(socket: Socket, options: ConnectionOptions, handler: ConnectionHandler) {
    this.#socket = socket;
    this.#options = options;
    this.#handler = handler;
    this.#writer = new FrameWriter(socket);
    this.#acks = new AckBudget(this.#writer);
    this.#out = new Http2Sender(this.#writer, (stream) => this.#endLocal(stream));
    socket.on("error", (error) => {
      this.#error ??= error;
    });
    socket.on("close", () => this.#closed());
    if (options.role === "client") this.#writer.raw(Buffer.from(PREFACE, "latin1"));
    else this.#preface = new PrefaceReader();
    this.#out.introduce(options.role, options.streamWindow, options.maxStreams, CONNECTION_WINDOW);
  }

  get streams(): number {
    return this.#streams.size;
  }

  get destroyed(): boolean {
    return this.#socket.destroyed || this.#ending || this.#failed;
  }

  /** @param chunk what the socket has read; not kept */
  receive(chunk: Uint8Array): void {
    if (this.#failed) return;
    try {
      const rest = this.#preface === undefined ? chunk : this.#preface.strip(chunk);
      if (rest.length === 0) return;
      this.#preface = undefined;
      this.#reader.push(rest);
      // What a client has on the way to its server may be as much as it likes; a server's answers are few bytes each.
      if (this.#options.role === "server" && this.#writer.unread > MAX_UNREAD) throw unread();
    } catch (error) {
      this.#fail(error instanceof Http2Error ? error : new Http2Error(Http2Code.INTERNAL_ERROR, String(error)));
    }
  }

  // What is sent.

  /**
   * A client's new stream.
   *
   * @returns false if the numbers of streams are used up: the connection is to be replaced
   */
  request(stream: Http2Stream, block: Uint8Array, head: Uint8Array, body: Uint8Array): boolean {
    if (this.#nextId > MAX_WINDOW) return false;
    this.#attach(stream, this.#nextId);
    this.#nextId += 2;
    this.#out.headers(stream.id, block, false);
    this.#out.content(stream, head, body, undefined);
    return true;
  }

  /** An answer of headers only. */
  respond(stream: Http2Stream, block: Uint8Array): void {
    this.#out.headers(stream.id, block, true);
    this.#endLocal(stream);
  }

  /** An answer with content and trailers. */
  respondWith(stream: Http2Stream, block: Uint8Array, content: Uint8Array, trailers: Uint8Array): void {
    this.#out.headers(stream.id, block, false);
    this.#out.content(stream, content, EMPTY, trailers);
  }

  reset(stream: Http2Stream, code: number): void {
    if (this.#streams.get(stream.id) !== stream) return;
    this.#out.reset(stream.id, code);
    this.#drop(stream);
  }

  /** @param done hears whether the peer has answered */
  ping(done: (alive: boolean) => void): void {
    this.#pings.push(done);
    this.#out.ping();
  }

  /**
   * A server's farewell. What the client has opened before it hears of this is still taken: first the wish, then, a round trip later, the
   * number of the last stream, then the end when that is answered.
   *
   * @param why told to the client
   */
  goAway(why = ""): void {
    if (!this.#introduced) {
      this.#socket.destroy();
      return;
    }
    this.#out.goAway(MAX_WINDOW, Http2Code.NO_ERROR, why);
    let said = false;
    const last = (): void => {
      if (said) return;
      said = true;
      clearTimeout(impatience);
      this.#acceptUpTo = this.#lastId;
      this.#out.goAway(this.#lastId, Http2Code.NO_ERROR, why);
      this.end();
    };
    // Who does not answer has gone, as far as can be told.
    const impatience = setTimeout(last, FAREWELL_MS).unref();
    this.ping(last);
  }

  /** Closes the connection when its last stream is closed. */
  end(): void {
    this.#ending = true;
    this.#endIfIdle();
  }

  destroy(reason?: Error): void {
    this.#error ??= reason;
    this.#socket.destroy();
  }

  #endIfIdle(): void {
    if (!this.#ending || this.#streams.size > 0) return;
    this.#writer.flush();
    this.#socket.destroySoon();
  }

  #attach(stream: Http2Stream, id: number): void {
    stream.id = id;
    stream.connection = this;
    this.#out.open(stream);
    stream.localEnded = false;
    stream.remoteEnded = false;
    this.#streams.set(id, stream);
  }

  #endLocal(stream: Http2Stream): void {
    stream.localEnded = true;
    if (stream.remoteEnded) this.#drop(stream);
    // The client may still be sending: what it sends is not wanted any more (section 8.1).
    else if (this.#options.role === "server") this.reset(stream, Http2Code.NO_ERROR);
  }

  #drop(stream: Http2Stream): void {
    this.#streams.delete(stream.id);
    this.#out.forget(stream);
    this.#handler.onCapacity?.();
    if (this.#ending) this.#endIfIdle();
  }

  #fail(error: Http2Error): void {
    this.#failed = true;
    this.#error ??= error;
    this.#out.goAway(this.#lastId, error.code, error.message);
    this.#writer.flush();
    this.#socket.destroySoon();
    // Who does not read keeps its connection no longer for it.
    setTimeout(() => this.#socket.destroy(), LINGER_MS).unref();
    this.#lose();
  }

  #closed(): void {
    this.#lose();
    const reason = this.#error ?? new Error("the connection was closed");
    for (const done of this.#pings.splice(0)) done(false);
    this.#handler.onClose(reason);
  }

  #lose(): void {
    const reason = this.#error ?? new Error("the connection was closed");
    const lost = [...this.#streams.values()];
    this.#streams.clear();
    for (const stream of lost) {
      this.#out.forget(stream);
      stream.onLost(reason);
    }
  }

  // What is received.

  dataFrame(id: number, length: number): void {
    this.#check(FrameType.DATA, id);
    if (id === 0 || this.#isIdle(id))
      throw new Http2Error(Http2Code.PROTOCOL_ERROR, "DATA of a stream that is not open");
    this.#credit += length;
    if (this.#credit < CONNECTION_WINDOW / 4) return;
    this.#out.grant(this.#credit);
    this.#credit = 0;
  }

  data(id: number, piece: Uint8Array, end: boolean): void {
    const stream = this.#streams.get(id);
    // Closed by us, and the peer does not know it yet.
    if (stream === undefined) return;
    if (stream.remoteEnded) throw new Http2Error(Http2Code.STREAM_CLOSED, "DATA after the end of a stream");
    if (end) stream.remoteEnded = true;
    stream.onData(piece, end);
    if (end) this.#endRemote(stream);
  }

  frame(type: number, flags: number, id: number, payload: Uint8Array): void {
    this.#check(type, id);
    switch (type) {
      case FrameType.HEADERS:
      case FrameType.CONTINUATION: {
        const whole =
          type === FrameType.HEADERS ? this.#blocks.begin(flags, id, payload) : this.#blocks.append(flags, payload);
        if (whole !== undefined) this.#onHeaders(whole);
        break;
      }
      case FrameType.RST_STREAM:
        this.#onReset(id, payload);
        break;
      case FrameType.SETTINGS:
        this.#onSettings(flags, id, payload);
        break;
      case FrameType.PING:
        this.#onPing(flags, id, payload);
        break;
      case FrameType.GOAWAY:
        this.#onGoAway(id, payload);
        break;
      case FrameType.WINDOW_UPDATE:
        this.#onWindowUpdate(id, payload);
        break;
      case FrameType.PUSH_PROMISE:
        throw new Http2Error(Http2Code.PROTOCOL_ERROR, "PUSH_PROMISE, which is switched off");
      default: // PRIORITY means nothing any more, and unknown frames are passed over.
    }
  }

  #check(type: number, id: number): void {
    if (!this.#introduced && type !== FrameType.SETTINGS) {
      throw new Http2Error(Http2Code.PROTOCOL_ERROR, "the first frame is not SETTINGS");
    }
    const openId = this.#blocks.openId;
    if (openId !== undefined && (type !== FrameType.CONTINUATION || id !== openId)) {
      throw new Http2Error(Http2Code.PROTOCOL_ERROR, "a frame within a block of headers");
    }
  }

  /** Never opened, by nobody. */
  #isIdle(id: number): boolean {
    return this.#options.role === "server" ? id > this.#lastId || id % 2 === 0 : id >= this.#nextId || id % 2 === 0;
  }

  #onHeaders({ id, bytes, end }: HeaderBlock): void {
    let headers: Headers;
    try {
      headers = this.#decoder.decode(bytes);
    } catch (cause) {
      throw new Http2Error(Http2Code.COMPRESSION_ERROR, cause instanceof Error ? cause.message : String(cause), {
        cause,
      });
    }
    let stream = this.#streams.get(id);
    if (stream === undefined) {
      if (!this.#isIdle(id)) return; // closed by us, and the peer does not know it yet
      stream = this.#openedByPeer(id);
      if (stream === undefined) return;
    } else if (stream.remoteEnded) throw new Http2Error(Http2Code.STREAM_CLOSED, "HEADERS after the end of a stream");
    if (end) stream.remoteEnded = true;
    stream.onHeaders(headers, end);
    if (end) this.#endRemote(stream);
  }

  #endRemote(stream: Http2Stream): void {
    if (this.#streams.get(stream.id) !== stream) return;
    if (stream.localEnded) this.#drop(stream);
    // A server that has answered does not want the rest of the request.
    else if (this.#options.role === "client") this.reset(stream, Http2Code.NO_ERROR);
  }

  #openedByPeer(id: number): Http2Stream | undefined {
    if (this.#handler.open === undefined || id % 2 === 0) {
      throw new Http2Error(Http2Code.PROTOCOL_ERROR, `HEADERS of stream ${id}, which cannot be`);
    }
    this.#lastId = id;
    if (id > this.#acceptUpTo) return undefined;
    const { maxStreams } = this.#options;
    if (maxStreams > 0 && this.#streams.size >= maxStreams) {
      this.#out.reset(id, Http2Code.REFUSED_STREAM);
      return undefined;
    }
    const stream = this.#handler.open(this);
    this.#attach(stream, id);
    return stream;
  }

  #onReset(id: number, payload: Uint8Array): void {
    if (payload.length !== 4) throw new Http2Error(Http2Code.FRAME_SIZE_ERROR, "malformed RST_STREAM");
    if (id === 0 || this.#isIdle(id)) throw new Http2Error(Http2Code.PROTOCOL_ERROR, "RST_STREAM of an idle stream");
    const stream = this.#streams.get(id);
    // Closed already: it costs nothing. Servers send one after an early answer, clients after a deadline that both sides keep.
    if (stream === undefined) return;
    if (this.#options.role === "server" && !this.#resets.take()) {
      throw new Http2Error(Http2Code.ENHANCE_YOUR_CALM, "too many resets");
    }
    stream.localEnded = true;
    stream.remoteEnded = true;
    this.#drop(stream);
    stream.onReset(readUint32(payload, 0));
  }

  #onSettings(flags: number, id: number, payload: Uint8Array): void {
    if (id !== 0) throw new Http2Error(Http2Code.PROTOCOL_ERROR, "SETTINGS of a stream");
    if ((flags & Flag.ACK) !== 0) {
      if (payload.length > 0) throw new Http2Error(Http2Code.FRAME_SIZE_ERROR, "malformed SETTINGS");
      return;
    }
    const settings = readSettings(payload);
    if (!this.#introduced) {
      this.#introduced = true;
      // Without a word about it there is no limit.
      this.peerMaxStreams = Number.POSITIVE_INFINITY;
      this.#handler.onReady?.();
    }
    this.peerMaxStreams = settings.get(Setting.MAX_CONCURRENT_STREAMS) ?? this.peerMaxStreams;
    this.#out.apply(settings, this.#streams.values());
    this.#acknowledge(FrameType.SETTINGS, EMPTY);
    this.#handler.onCapacity?.();
  }

  #acknowledge(type: number, payload: Uint8Array): void {
    if (!this.#acks.take()) throw unread();
    this.#out.acknowledge(type, payload);
  }

  #onPing(flags: number, id: number, payload: Uint8Array): void {
    if (id !== 0) throw new Http2Error(Http2Code.PROTOCOL_ERROR, "PING of a stream");
    if (payload.length !== 8) throw new Http2Error(Http2Code.FRAME_SIZE_ERROR, "malformed PING");
    if ((flags & Flag.ACK) !== 0) this.#pings.shift()?.(true);
    else {
      this.#acknowledge(FrameType.PING, payload);
      this.#handler.onPing?.();
    }
  }

  #onGoAway(id: number, payload: Uint8Array): void {
    if (id !== 0 || payload.length < 8) throw new Http2Error(Http2Code.PROTOCOL_ERROR, "malformed GOAWAY");
    const lastId = readUint32(payload, 0) & MAX_WINDOW;
    const code = readUint32(payload, 4);
    const text = Buffer.from(payload.buffer, payload.byteOffset + 8, payload.length - 8).toString();
    if (code !== Http2Code.NO_ERROR) {
      this.#error ??= new Http2Error(code, `the peer ended the connection with HTTP/2 error ${code}: ${text}`);
    }
    this.#handler.onGoAway?.(code, text);
    if (this.#options.role === "client") {
      for (const stream of [...this.#streams.values()]) {
        if (stream.id <= lastId) continue;
        this.#drop(stream);
        stream.onReset(Http2Code.REFUSED_STREAM);
      }
    }
    this.end();
  }

  #onWindowUpdate(id: number, payload: Uint8Array): void {
    if (payload.length !== 4) throw new Http2Error(Http2Code.FRAME_SIZE_ERROR, "malformed WINDOW_UPDATE");
    const increment = readUint32(payload, 0) & MAX_WINDOW;
    if (increment === 0) throw new Http2Error(Http2Code.PROTOCOL_ERROR, "WINDOW_UPDATE by 0");
    const stream = this.#streams.get(id);
    if (id === 0 || stream !== undefined) this.#out.granted(stream, increment);
    else if (this.#isIdle(id)) throw new Http2Error(Http2Code.PROTOCOL_ERROR, "WINDOW_UPDATE of an idle stream");
  }
}
