// Frames of HTTP/2: https://www.rfc-editor.org/rfc/rfc9113#section-4

export const FrameType = {
  DATA: 0,
  HEADERS: 1,
  PRIORITY: 2,
  RST_STREAM: 3,
  SETTINGS: 4,
  PUSH_PROMISE: 5,
  PING: 6,
  GOAWAY: 7,
  WINDOW_UPDATE: 8,
  CONTINUATION: 9,
} as const;
export type FrameType = (typeof FrameType)[keyof typeof FrameType];

export const Flag = { END_STREAM: 0x1, ACK: 0x1, END_HEADERS: 0x4, PADDED: 0x8, PRIORITY: 0x20 } as const;

export const Setting = {
  HEADER_TABLE_SIZE: 1,
  ENABLE_PUSH: 2,
  MAX_CONCURRENT_STREAMS: 3,
  INITIAL_WINDOW_SIZE: 4,
  MAX_FRAME_SIZE: 5,
  MAX_HEADER_LIST_SIZE: 6,
} as const;

export const Http2Code = {
  NO_ERROR: 0x0,
  PROTOCOL_ERROR: 0x1,
  INTERNAL_ERROR: 0x2,
  FLOW_CONTROL_ERROR: 0x3,
  STREAM_CLOSED: 0x5,
  FRAME_SIZE_ERROR: 0x6,
  REFUSED_STREAM: 0x7,
  CANCEL: 0x8,
  COMPRESSION_ERROR: 0x9,
  ENHANCE_YOUR_CALM: 0xb,
  INADEQUATE_SECURITY: 0xc,
} as const;

/** The peer broke the protocol in a way that the connection does not survive. */
export class Http2Error extends Error {
  override readonly name: string = "Http2Error";
  readonly code: number;

  constructor(code: number, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

export const FRAME_HEAD = 9;
export const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
export const DEFAULT_WINDOW = 65_535;
export const DEFAULT_MAX_FRAME = 16_384;
export const MAX_WINDOW: number = 2 ** 31 - 1;
/** Of frames that we take: large ones save a peer with large messages some work; data is passed on as it comes. */
export const OUR_MAX_FRAME: number = 1024 * 1024;
/** Of any other frame than DATA: it is collected before it is looked at. */
const MAX_CONTROL = 64 * 1024;

/** Writes a frame's head at an offset. */
export function writeHead(out: Uint8Array, at: number, length: number, type: number, flags: number, id: number): void {
  out[at] = length >>> 16;
  out[at + 1] = length >>> 8;
  out[at + 2] = length;
  out[at + 3] = type;
  out[at + 4] = flags;
  writeUint32(out, at + 5, id);
}

export function writeUint32(out: Uint8Array, at: number, value: number): void {
  out[at] = value >>> 24;
  out[at + 1] = value >>> 16;
  out[at + 2] = value >>> 8;
  out[at + 3] = value;
}

export function readUint32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}

/** What a reader finds. Views are valid during the call only. */
export interface FrameSink {
  /** A DATA frame begins; all of its length counts for flow control. */
  dataFrame(id: number, length: number): void;
  /** A piece of its content, padding removed; `end`: the last of the stream. */
  data(id: number, piece: Uint8Array, end: boolean): void;
  /** Any other frame, whole. */
  frame(type: number, flags: number, id: number, payload: Uint8Array): void;
}

const EMPTY = new Uint8Array();
const State = { HEAD: 0, DATA: 1, PADDING: 2, PAYLOAD: 3, PAD_LENGTH: 4 } as const;

/** The bytes by which a client says that it speaks HTTP/2. */
export class PrefaceReader {
  #at = 0;

  /**
   * @returns what follows the preface; empty as long as it is incomplete
   * @throws Http2Error
   */
  strip(chunk: Uint8Array): Uint8Array {
    let at = 0;
    while (this.#at < PREFACE.length && at < chunk.length) {
      if (chunk[at++] !== PREFACE.charCodeAt(this.#at++)) {
        throw new Http2Error(Http2Code.PROTOCOL_ERROR, "the client does not speak HTTP/2");
      }
    }
    return chunk.subarray(at);
  }
}

/** Cuts a connection's bytes into frames. */
export class FrameReader {
  readonly #sink: FrameSink;
  readonly #head: Uint8Array = new Uint8Array(FRAME_HEAD);
  #state: number = State.HEAD;
  #headLength = 0;
  #type = 0;
  #flags = 0;
  #id = 0;
  /** Bytes of the current part that have not come yet. */
  #left = 0;
  #padding = 0;
  #payload: Uint8Array = EMPTY;

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  /**
   * @param chunk not kept
   * @throws Http2Error
   */
  push(chunk: Uint8Array): void {
    let at = 0;
    const { length } = chunk;
    while (at < length) {
      switch (this.#state) {
        case State.HEAD:
          at = this.#readHead(chunk, at);
          break;
        case State.PAD_LENGTH:
          this.#padding = chunk[at++]!;
          this.#left -= 1 + this.#padding;
          if (this.#left < 0) throw new Http2Error(Http2Code.PROTOCOL_ERROR, "more padding than frame");
          this.#state = State.DATA;
          if (this.#left === 0) this.#endOfData(EMPTY);
          break;
        case State.DATA: {
          const end = Math.min(length, at + this.#left);
          const piece = chunk.subarray(at, end);
          this.#left -= end - at;
          at = end;
          if (this.#left === 0) this.#endOfData(piece);
          else this.#sink.data(this.#id, piece, false);
          break;
        }
        case State.PADDING: {
          const end = Math.min(length, at + this.#padding);
          this.#padding -= end - at;
          at = end;
          if (this.#padding === 0) this.#state = State.HEAD;
          break;
        }
        default:
          at = this.#readPayload(chunk, at);
      }
    }
  }

  #readHead(chunk: Uint8Array, at: number): number {
    if (this.#headLength === 0 && chunk.length - at >= FRAME_HEAD) {
      return this.#begin(chunk, at, at + FRAME_HEAD);
    }
    const end = Math.min(chunk.length, at + FRAME_HEAD - this.#headLength);
    for (let i = at; i < end; i++) this.#head[this.#headLength++] = chunk[i]!;
    if (this.#headLength < FRAME_HEAD) return end;
    this.#headLength = 0;
    this.#begin(this.#head, 0, 0);
    return end;
  }

  #begin(head: Uint8Array, at: number, next: number): number {
    const length = (head[at]! << 16) | (head[at + 1]! << 8) | head[at + 2]!;
    this.#type = head[at + 3]!;
    this.#flags = head[at + 4]!;
    this.#id = readUint32(head, at + 5) & MAX_WINDOW;
    this.#left = length;
    if (this.#type === FrameType.DATA) {
      if (length > OUR_MAX_FRAME) throw new Http2Error(Http2Code.FRAME_SIZE_ERROR, `a frame of ${length} bytes`);
      this.#sink.dataFrame(this.#id, length);
      this.#padding = 0;
      if ((this.#flags & Flag.PADDED) !== 0) {
        if (length === 0) throw new Http2Error(Http2Code.FRAME_SIZE_ERROR, "a padded frame without a length");
        this.#state = State.PAD_LENGTH;
      } else {
        this.#state = State.DATA;
        if (length === 0) this.#endOfData(EMPTY);
      }
      return next;
    }
    if (length > MAX_CONTROL) throw new Http2Error(Http2Code.FRAME_SIZE_ERROR, `a frame of ${length} bytes`);
    if (length === 0) this.#sink.frame(this.#type, this.#flags, this.#id, EMPTY);
    else {
      this.#state = State.PAYLOAD;
      this.#payload = EMPTY;
    }
    return next;
  }

  /** Padding does not hold up the content that comes before it. */
  #endOfData(piece: Uint8Array): void {
    this.#state = this.#padding > 0 ? State.PADDING : State.HEAD;
    this.#sink.data(this.#id, piece, (this.#flags & Flag.END_STREAM) !== 0);
  }

  #readPayload(chunk: Uint8Array, at: number): number {
    const end = Math.min(chunk.length, at + this.#left);
    const part = chunk.subarray(at, end);
    if (this.#payload === EMPTY && part.length === this.#left) {
      this.#state = State.HEAD;
      this.#sink.frame(this.#type, this.#flags, this.#id, part);
      return end;
    }
    if (this.#payload === EMPTY) this.#payload = new Uint8Array(this.#left);
    this.#payload.set(part, this.#payload.length - this.#left);
    this.#left -= part.length;
    if (this.#left === 0) {
      const payload = this.#payload;
      this.#payload = EMPTY;
      this.#state = State.HEAD;
      this.#sink.frame(this.#type, this.#flags, this.#id, payload);
    }
    return end;
  }
}
