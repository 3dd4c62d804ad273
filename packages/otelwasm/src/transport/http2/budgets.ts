import { Http2Code, Http2Error } from "./frames.ts";
import type { FrameWriter } from "./output.ts";

/** The end of a connection whose peer makes us write, and does not read. */
export function unread(): Http2Error {
  return new Http2Error(Http2Code.ENHANCE_YOUR_CALM, "the peer does not read what it asks for");
}

/** As many at once, and as many a second, as node:http2 allows. */
const BURST = 1_000;
const A_SECOND = 33;

/** How many streams a peer may open only to reset them ("rapid reset", CVE-2023-44487). */
export class ResetBudget {
  #tokens = BURST;
  #at = 0;

  /** @returns whether one more is all right */
  take(): boolean {
    const now = performance.now();
    this.#tokens = Math.min(BURST, this.#tokens + ((now - this.#at) / 1000) * A_SECOND) - 1;
    this.#at = now;
    return this.#tokens >= 0;
  }
}

/** Unanswered acknowledgements are allowed for as long as the peer reads on. */
const ACKS = 1_000;

/**
 * PING and SETTINGS oblige us to answer, and a peer may ask without reading the answers. How much else is on its way to the peer says nothing
 * about that: a server's PING may well find megabytes of requests queued.
 */
export class AckBudget {
  readonly #writer: FrameWriter;
  #count = 0;
  /** What there was to write when the count last began. */
  #mark = 0;

  constructor(writer: FrameWriter) {
    this.#writer = writer;
  }

  /** @returns whether one more is all right */
  take(): boolean {
    if (++this.#count < ACKS) return true;
    // Many may have come in one piece, with nothing written in between.
    this.#writer.flush();
    const { taken, wanted, unread } = this.#writer;
    if (taken < this.#mark && unread > ACKS * 17) return false;
    this.#count = 0;
    this.#mark = wanted;
    return true;
  }
}
