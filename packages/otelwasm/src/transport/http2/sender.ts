import {
  DEFAULT_MAX_FRAME,
  DEFAULT_WINDOW,
  Flag,
  FrameType,
  Http2Code,
  Http2Error,
  MAX_WINDOW,
  OUR_MAX_FRAME,
  Setting,
  writeUint32,
} from "./frames.ts";
import { MAX_HEADER_LIST, TABLE_SIZE } from "./hpack.ts";
import type { FrameWriter } from "./output.ts";
import type { Http2Stream } from "./stream.ts";

const EMPTY = new Uint8Array();

/** The sending half of a connection: content goes out as fast as the peer's windows allow, everything else at once. */
export class Http2Sender {
  readonly #writer: FrameWriter;
  readonly #onSent: (stream: Http2Stream) => void;
  /** Streams that wait for a window, in their order. */
  readonly #blocked: Set<Http2Stream> = new Set();
  #window = DEFAULT_WINDOW;
  #streamWindow = DEFAULT_WINDOW;
  #maxFrame = DEFAULT_MAX_FRAME;
  #tableUpdate: "never" | "due" | "done" = "never";

  /** @param onSent called when a stream's content, and what follows it, has been sent */
  constructor(writer: FrameWriter, onSent: (stream: Http2Stream) => void) {
    this.#writer = writer;
    this.#onSent = onSent;
  }

  /** Our settings, and a window for the connection. */
  introduce(role: "server" | "client", streamWindow: number, maxStreams: number, connectionWindow: number): void {
    const settings: [number, number][] = [
      [Setting.INITIAL_WINDOW_SIZE, streamWindow],
      [Setting.MAX_FRAME_SIZE, OUR_MAX_FRAME],
      [Setting.MAX_HEADER_LIST_SIZE, MAX_HEADER_LIST],
    ];
    if (role === "client") settings.push([Setting.ENABLE_PUSH, 0]);
    if (maxStreams > 0) settings.push([Setting.MAX_CONCURRENT_STREAMS, maxStreams]);
    const payload = new Uint8Array(settings.length * 6);
    for (const [i, [name, value]] of settings.entries()) {
      payload[i * 6 + 1] = name;
      writeUint32(payload, i * 6 + 2, value);
    }
    this.#writer.frame(FrameType.SETTINGS, 0, 0, payload);
    this.grant(connectionWindow - DEFAULT_WINDOW);
    this.#writer.flush();
  }

  /** A new stream's window. */
  open(stream: Http2Stream): void {
    stream.sendWindow = this.#streamWindow;
  }

  headers(id: number, wanted: Uint8Array, end: boolean): void {
    const block = this.#tableUpdate === "due" ? this.#updateTable(wanted) : wanted;
    const last = end ? Flag.END_STREAM : 0;
    if (block.length <= this.#maxFrame) {
      this.#writer.frame(FrameType.HEADERS, Flag.END_HEADERS | last, id, block);
      return;
    }
    for (let at = 0; at < block.length; at += this.#maxFrame) {
      const part = block.subarray(at, at + this.#maxFrame);
      const done = at + part.length === block.length ? Flag.END_HEADERS : 0;
      if (at === 0) this.#writer.frame(FrameType.HEADERS, done | last, id, part);
      else this.#writer.frame(FrameType.CONTINUATION, done, id, part);
    }
  }

  /** A table of size 0, for good. */
  #updateTable(block: Uint8Array): Uint8Array {
    this.#tableUpdate = "done";
    const out = new Uint8Array(1 + block.length);
    out[0] = 0x20;
    out.set(block, 1);
    return out;
  }

  /** @param body not copied if it is large; `trailers`: sent after it */
  content(stream: Http2Stream, head: Uint8Array, body: Uint8Array, trailers: Uint8Array | undefined): void {
    stream.pendingHead = head;
    stream.pendingBody = body;
    stream.pendingAt = 0;
    stream.pendingTrailers = trailers;
    this.#pump(stream);
  }

  /** Sends what the windows allow. */
  #pump(stream: Http2Stream): void {
    const { id, pendingHead: head, pendingBody: body, pendingTrailers: trailers } = stream;
    const total = head.length + body.length;
    let at = stream.pendingAt;
    while (at < total) {
      const length = Math.min(total - at, this.#maxFrame, this.#window, stream.sendWindow);
      if (length <= 0) {
        stream.pendingAt = at;
        this.#blocked.add(stream);
        return;
      }
      const end = at + length;
      const flags = end === total && trailers === undefined ? Flag.END_STREAM : 0;
      const first = at < head.length ? head.subarray(at, end) : EMPTY;
      const second = end > head.length ? body.subarray(Math.max(0, at - head.length), end - head.length) : EMPTY;
      this.#writer.parts(FrameType.DATA, flags, id, first, second);
      this.#window -= length;
      stream.sendWindow -= length;
      at = end;
    }
    this.forget(stream);
    if (trailers !== undefined) this.headers(id, trailers, true);
    this.#onSent(stream);
  }

  #pumpAll(): void {
    for (const stream of this.#blocked) {
      if (this.#window <= 0) return;
      if (stream.sendWindow > 0) this.#pump(stream);
    }
  }

  /** The stream has nothing more to send. */
  forget(stream: Http2Stream): void {
    if (this.#blocked.size > 0) this.#blocked.delete(stream);
    stream.pendingBody = EMPTY;
  }

  reset(id: number, code: number): void {
    const payload = new Uint8Array(4);
    writeUint32(payload, 0, code);
    this.#writer.frame(FrameType.RST_STREAM, 0, id, payload);
  }

  goAway(lastId: number, code: number, text: string): void {
    const debug = Buffer.from(text);
    const payload = new Uint8Array(8 + debug.length);
    writeUint32(payload, 0, lastId);
    writeUint32(payload, 4, code);
    payload.set(debug, 8);
    this.#writer.frame(FrameType.GOAWAY, 0, 0, payload);
  }

  ping(): void {
    this.#writer.frame(FrameType.PING, 0, 0, new Uint8Array(8));
  }

  acknowledge(type: number, payload: Uint8Array): void {
    this.#writer.frame(type, Flag.ACK, 0, payload);
  }

  /** Gives the peer more room on the connection. */
  grant(bytes: number): void {
    const payload = new Uint8Array(4);
    writeUint32(payload, 0, bytes);
    this.#writer.frame(FrameType.WINDOW_UPDATE, 0, 0, payload);
  }

  /**
   * The peer's settings that are about what it takes.
   *
   * @throws Http2Error if a window becomes wider than there can be
   */
  apply(settings: ReadonlyMap<number, number>, streams: Iterable<Http2Stream>): void {
    this.#maxFrame = settings.get(Setting.MAX_FRAME_SIZE) ?? this.#maxFrame;
    // We use no table, but a peer that makes its own smaller has to hear that we know (RFC 7541, section 4.2).
    const table = settings.get(Setting.HEADER_TABLE_SIZE);
    if (table !== undefined && table < TABLE_SIZE && this.#tableUpdate === "never") this.#tableUpdate = "due";
    const window = settings.get(Setting.INITIAL_WINDOW_SIZE);
    if (window === undefined || window === this.#streamWindow) return;
    for (const stream of streams) {
      stream.sendWindow += window - this.#streamWindow;
      if (stream.sendWindow > MAX_WINDOW) throw tooWide();
    }
    this.#streamWindow = window;
    this.#pumpAll();
  }

  /**
   * The peer gives us more room: on a stream, or on the connection.
   *
   * @throws Http2Error if that is more than there can be
   */
  granted(stream: Http2Stream | undefined, bytes: number): void {
    if (stream === undefined) {
      this.#window += bytes;
      if (this.#window > MAX_WINDOW) throw tooWide();
      this.#pumpAll();
      return;
    }
    stream.sendWindow += bytes;
    if (stream.sendWindow > MAX_WINDOW) throw tooWide();
    if (this.#blocked.has(stream)) this.#pump(stream);
  }
}

function tooWide(): Http2Error {
  return new Http2Error(Http2Code.FLOW_CONTROL_ERROR, "a window of more than 2 GiB");
}
