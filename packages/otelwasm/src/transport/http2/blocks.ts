import { Flag, Http2Code, Http2Error } from "./frames.ts";
import { MAX_HEADER_LIST } from "./hpack.ts";

/** Of one block: in the largest frames that everybody takes, half as many hold all that is allowed. Each costs a copy of what came before. */
const MAX_CONTINUATIONS = 8;

/** A whole block of headers, of one HEADERS frame or of several frames. */
export interface HeaderBlock {
  readonly id: number;
  /** The stream ends with it. */
  readonly end: boolean;
  /** May be a view that is valid only now. */
  readonly bytes: Uint8Array;
}

/** Puts HEADERS and CONTINUATION together. */
export class HeaderBlocks {
  #open: HeaderBlock | undefined;
  #continuations = 0;

  /** The stream whose block is not complete: nothing else may come on the connection before it is. */
  get openId(): number | undefined {
    return this.#open?.id;
  }

  /**
   * A HEADERS frame.
   *
   * @returns its block, if that is the whole block
   * @throws Http2Error
   */
  begin(flags: number, id: number, payload: Uint8Array): HeaderBlock | undefined {
    let from = 0;
    let to = payload.length;
    if ((flags & Flag.PADDED) !== 0) {
      to -= payload[0] ?? 0;
      from = 1;
    }
    if ((flags & Flag.PRIORITY) !== 0) from += 5;
    if (id === 0 || from > to) throw new Http2Error(Http2Code.PROTOCOL_ERROR, "malformed HEADERS");
    const bytes = payload.subarray(from, to);
    const end = (flags & Flag.END_STREAM) !== 0;
    if ((flags & Flag.END_HEADERS) !== 0) return { id, end, bytes };
    this.#continuations = 0;
    this.#open = { id, end, bytes: Uint8Array.prototype.slice.call(bytes) };
    return undefined;
  }

  /** The same for a CONTINUATION frame. */
  append(flags: number, payload: Uint8Array): HeaderBlock | undefined {
    const open = this.#open;
    if (open === undefined) throw new Http2Error(Http2Code.PROTOCOL_ERROR, "CONTINUATION of nothing");
    const length = open.bytes.length + payload.length;
    // Empty frames could come for ever, and each would be allowed.
    if (length > MAX_HEADER_LIST || payload.length === 0 || ++this.#continuations > MAX_CONTINUATIONS) {
      throw new Http2Error(Http2Code.ENHANCE_YOUR_CALM, "a block of headers that does not end");
    }
    const bytes = new Uint8Array(length);
    bytes.set(open.bytes);
    bytes.set(payload, open.bytes.length);
    const whole = { id: open.id, end: open.end, bytes };
    const done = (flags & Flag.END_HEADERS) !== 0;
    this.#open = done ? undefined : whole;
    return done ? whole : undefined;
  }
}
