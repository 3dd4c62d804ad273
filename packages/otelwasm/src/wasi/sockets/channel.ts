/**
 * What an established socket's two sides share: a ring of bytes for each direction and a few cells. One side writes and the other reads, each
 * without a word to the other, until a ring is full or empty.
 */

/** Of each ring; a power of two. */
export const RING_BYTES: number = 128 * 1024;

const Cell = {
  /** Counters of all bytes ever taken out of and put into a ring, modulo 2^32: their difference is what is in it. */
  received: 0,
  receiveTaken: 1,
  sent: 2,
  sendTaken: 3,
  /** 1 when nothing more will be received; set after the last byte was put into the ring. */
  end: 4,
  /** Why the socket failed, an errno; 0 while it has not. */
  error: 5,
  /** 1 if the guest has something for the I/O thread that it has not looked at. */
  bell: 6,
  /** 1 while the I/O thread holds bytes that the ring had no room for. */
  stalled: 7,
  /** 1 if the guest found no room in its ring and wants to know of some. */
  wantsRoom: 8,
} as const;
const HEADER_BYTES = 64;

/** The bytes of one direction. One thread reads, one writes; which is which is up to them. */
export class Ring {
  readonly #cells: Int32Array;
  readonly #put: number;
  readonly #taken: number;
  readonly #bytes: Buffer;

  constructor(cells: Int32Array, put: number, taken: number, bytes: Buffer) {
    this.#cells = cells;
    this.#put = put;
    this.#taken = taken;
    this.#bytes = bytes;
  }

  get available(): number {
    return (Atomics.load(this.#cells, this.#put) - Atomics.load(this.#cells, this.#taken)) | 0;
  }

  get room(): number {
    return RING_BYTES - this.available;
  }

  /** Copies out as much as there is and fits. @returns bytes copied; they stay in the ring until `take` */
  peek(target: Uint8Array, skip = 0): number {
    const size = Math.min(this.available - skip, target.length);
    if (size <= 0) return 0;
    const start = (Atomics.load(this.#cells, this.#taken) + skip) & (RING_BYTES - 1);
    const first = Math.min(size, RING_BYTES - start);
    this.#bytes.copy(target, 0, start, start + first);
    if (first < size) this.#bytes.copy(target, first, 0, size - first);
    return size;
  }

  take(size: number): void {
    Atomics.add(this.#cells, this.#taken, size);
  }

  /** Copies in as much as there is room for. @returns bytes copied; they are to be seen from `put` on */
  fill(source: Uint8Array, skip = 0): number {
    const size = Math.min(this.room - skip, source.length);
    if (size <= 0) return 0;
    const start = (Atomics.load(this.#cells, this.#put) + skip) & (RING_BYTES - 1);
    const first = Math.min(size, RING_BYTES - start);
    this.#bytes.set(first === source.length ? source : source.subarray(0, first), start);
    if (first < size) this.#bytes.set(source.subarray(first, size), 0);
    return size;
  }

  put(size: number): void {
    Atomics.add(this.#cells, this.#put, size);
  }

  /** What is in the ring in one piece, where it is. Stays there until `take`. */
  front(): Buffer {
    const start = Atomics.load(this.#cells, this.#taken) & (RING_BYTES - 1);
    return this.#bytes.subarray(start, Math.min(RING_BYTES, start + this.available));
  }
}

export class Channel {
  readonly buffer: SharedArrayBuffer;
  /** From the network to the guest. */
  readonly incoming: Ring;
  /** From the guest to the network. */
  readonly outgoing: Ring;
  readonly #cells: Int32Array;

  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer(HEADER_BYTES + 2 * RING_BYTES)) {
    this.buffer = buffer;
    this.#cells = new Int32Array(buffer, 0, HEADER_BYTES / 4);
    const ring = (at: number): Buffer => Buffer.from(buffer, HEADER_BYTES + at, RING_BYTES);
    this.incoming = new Ring(this.#cells, Cell.received, Cell.receiveTaken, ring(0));
    this.outgoing = new Ring(this.#cells, Cell.sent, Cell.sendTaken, ring(RING_BYTES));
  }

  /** For the next socket. Neither side may use it as the one before. */
  reset(): void {
    this.#cells.fill(0);
  }

  get ended(): boolean {
    return Atomics.load(this.#cells, Cell.end) === 1;
  }

  end(): void {
    Atomics.store(this.#cells, Cell.end, 1);
  }

  get error(): number {
    return Atomics.load(this.#cells, Cell.error);
  }

  set error(errno: number) {
    Atomics.store(this.#cells, Cell.error, errno);
  }

  /** @returns whether the I/O thread must be told: it has not been since it looked the last time */
  ring(): boolean {
    return Atomics.exchange(this.#cells, Cell.bell, 1) === 0;
  }

  answerBell(): void {
    Atomics.store(this.#cells, Cell.bell, 0);
  }

  get stalled(): boolean {
    return Atomics.load(this.#cells, Cell.stalled) === 1;
  }

  set stalled(stalled: boolean) {
    Atomics.store(this.#cells, Cell.stalled, stalled ? 1 : 0);
  }

  /** The guest wants to be woken when there is room. */
  wantRoom(): void {
    Atomics.store(this.#cells, Cell.wantsRoom, 1);
  }

  /** @returns whether the guest wanted it, once */
  madeRoom(): boolean {
    return Atomics.exchange(this.#cells, Cell.wantsRoom, 0) === 1;
  }
}
