import { Assembly, lengthSize } from "./assembly.ts";
import type { Batch, Signal } from "./batch.ts";
import { dataPoints, isData, itemsOf } from "./count.ts";
import { FieldReader } from "./fields.ts";
import { WireType } from "./writer.ts";

export interface SplitOptions {
  /** What `max` counts: spans, log records and data points, or bytes of protobuf. */
  readonly sizer: "items" | "bytes";
  /** How large a part may be; at least 1. */
  readonly max: number;
  /** How large the first part may be, to fill up what is there already. Default `max`. If not even one item fits, the first part may have `max`. */
  readonly first?: number;
}

/**
 * Headers that are larger are not repeated: by a few thousand items one request must not become gigabytes. In bytes, where items are counted; where bytes are, a
 * header may have half of the limit.
 */
const MAX_HEADER = 64 * 1024;

/**
 * Splits a payload at the borders of its items, without decoding it. Items keep their order. Each part has around its items what they had: all fields of their resource, scope
 * and, for data points, metric, those that nobody knows included.
 *
 * A part is larger than the limit only where something does not get smaller: a single item; a resource, scope or metric whose own fields alone take more than
 * half of the limit (with items: more than 64 KiB), which stays whole; a metric that has its data in several pieces, which no library writes.
 *
 * @param batch must not be altered or given away before the last part was taken
 * @returns parts in buffers of their own, each made when it is asked for; the batch itself if it fits. What is not well-formed stays together, as it is.
 */
export function* splitBatch(batch: Batch, options: SplitOptions): Generator<Batch, void, undefined> {
  const { sizer, max } = options;
  const first = Math.max(1, Math.min(options.first ?? max, max));
  const size = sizer === "bytes" ? batch.bytes.length : itemsOf(batch);
  if (size <= first) {
    yield batch;
    return;
  }
  const splitter = new Splitter(batch, options);
  if (splitter.isWhole) {
    yield batch;
    return;
  }
  let part = splitter.next(first);
  while (part !== undefined) {
    yield part;
    part = splitter.next(max);
  }
}

/** What a message of a level has as its parts; everything else in it is its header. */
interface Level {
  isPart(number: number): boolean;
  /** The level of the parts; `undefined`: they are items. */
  readonly parts: Level | undefined;
}

function levels(...numbers: ((number: number) => boolean)[]): Level {
  const root = numbers.reduceRight<Level | undefined>((parts, isPart) => ({ isPart, parts }), undefined);
  return root!;
}

const is = (wanted: number) => (number: number) => number === wanted;

/** The payload has resources, which have scopes, which have spans or log records. */
const FLAT: Level = levels(is(1), is(2), is(2));
const LEVELS: Readonly<Record<Signal, Level>> = {
  traces: FLAT,
  logs: FLAT,
  // Metrics have data, and that has data points.
  metrics: levels(is(1), is(2), is(2), isData, is(1)),
};

/** A message that goes into several parts, and how far it has got. */
class Opened {
  readonly level: Level;
  /** The message's own. */
  readonly tag: number;
  /** Set to the part that is next, once `advance` has been called. */
  readonly reader: FieldReader;
  readonly limit: number;
  /** Beginning and end of each piece of what is repeated. */
  readonly header: number[] = [];
  headerSize = 0;
  /** How many parts it has. */
  parts = 0;
  /** Where the next part begins, its tag included. */
  from: number;
  /** There is a part, and nobody has taken it. */
  waiting = false;
  /** It is in the payload that is being made. */
  written = false;

  constructor(level: Level, tag: number, bytes: Uint8Array, from: number, limit: number) {
    this.level = level;
    this.tag = tag;
    this.limit = limit;
    this.from = from;
    this.reader = new FieldReader(bytes, from, limit);
    const { reader } = this;
    for (let at = from; reader.next(); at = reader.end) {
      if (this.#isPart()) this.parts++;
      else this.#addToHeader(at, reader.end);
    }
    reader.reset(from, limit);
  }

  #isPart(): boolean {
    return this.reader.wireType === WireType.LEN && this.level.isPart(this.reader.number);
  }

  #addToHeader(from: number, to: number): void {
    if (this.header.at(-1) === from) this.header[this.header.length - 1] = to;
    else this.header.push(from, to);
    this.headerSize += to - from;
  }

  /** Goes on to the next part. @returns false after the last one */
  advance(): boolean {
    const { reader } = this;
    for (;;) {
      this.from = reader.end;
      if (!reader.next()) {
        // What cannot be read is the last part.
        this.waiting = reader.malformed && this.from < this.limit;
        return this.waiting;
      }
      if (!this.#isPart()) continue;
      this.waiting = true;
      return true;
    }
  }
}

class Splitter {
  readonly #batch: Batch;
  readonly #countsBytes: boolean;
  readonly #max: number;
  /** What headers may take together. */
  readonly #maxHeaders: number;
  /** From the payload itself inwards. */
  readonly #opened: Opened[];
  /** What the opened messages would add to a part by being in it, their content aside. */
  #headers = 0;
  readonly #counters: readonly FieldReader[];

  constructor(batch: Batch, { sizer, max }: SplitOptions) {
    const { bytes, signal } = batch;
    this.#batch = batch;
    this.#countsBytes = sizer === "bytes";
    this.#max = max;
    this.#maxHeaders = this.#countsBytes ? max / 2 : MAX_HEADER;
    this.#counters = Array.from({ length: 5 }, () => new FieldReader(bytes));
    const whole = new Opened(LEVELS[signal], 0, bytes, 0, bytes.length);
    this.#opened = [whole];
    this.#headers = whole.headerSize;
  }

  /** What would be repeated with each part is too much. */
  get isWhole(): boolean {
    return this.#headers > this.#maxHeaders;
  }

  /**
   * @param budget at most `max`; more is taken, up to `max`, if not even one item fits
   * @returns the next part; `undefined` after the last one
   */
  next(budget: number): Batch | undefined {
    const part = new Assembly();
    let limit = budget;
    let left = budget;
    let items = 0;
    let empty = true;
    let nothing = true;
    for (let top = this.#opened.at(-1); top !== undefined; top = this.#opened.at(-1)) {
      if (!top.waiting && !top.advance()) {
        this.#close(top, part);
        continue;
      }
      const { reader } = top;
      const end = reader.malformed ? top.limit : reader.end;
      const count = this.#countsBytes ? 0 : this.#count(top, left);
      const cost = this.#countsBytes ? end - top.from + this.#unwritten() : count;
      if (cost > left) {
        const inner = left > 0 ? this.#openedPart(top) : undefined;
        if (inner !== undefined) {
          top.waiting = false;
          this.#opened.push(inner);
          continue;
        }
        if (!empty) break;
        if (limit < this.#max) {
          left += this.#max - limit;
          limit = this.#max;
          continue;
        }
        // One that is alone in its part may be larger.
      }
      this.#write(part);
      part.copy(top.from, end);
      top.waiting = false;
      left = Math.max(0, left - cost);
      items += count;
      // One without items is not worth a request.
      empty = !this.#countsBytes && items === 0;
      nothing = false;
    }
    if (nothing) return undefined;
    for (const opened of this.#opened.toReversed()) if (opened.written && opened.tag !== 0) part.close();
    for (const opened of this.#opened) opened.written = false;
    const bytes = part.make(this.#batch.bytes);
    const { signal } = this.#batch;
    return this.#countsBytes ? { signal, bytes } : { signal, bytes, items };
  }

  #close(top: Opened, part: Assembly): void {
    if (top.written && top.tag !== 0) part.close();
    this.#opened.pop();
    this.#headers -= this.#overhead(top);
  }

  /** What a message adds to a part that it is in: its header, its tag, its length. */
  #overhead({ tag, headerSize }: Opened): number {
    return tag === 0 ? headerSize : headerSize + 1 + lengthSize(this.#max);
  }

  /** What has to be written before the next piece, in bytes. */
  #unwritten(): number {
    let size = 0;
    for (const opened of this.#opened) if (!opened.written) size += this.#overhead(opened);
    return size;
  }

  #write(part: Assembly): void {
    for (const opened of this.#opened) {
      if (opened.written) continue;
      opened.written = true;
      if (opened.tag !== 0) part.open(opened.tag);
      for (let at = 0; at < opened.header.length; at += 2) part.copy(opened.header[at]!, opened.header[at + 1]!);
    }
  }

  /** The part that is next, to go into several payloads; `undefined` if it stays whole. */
  #openedPart({ level, reader }: Opened): Opened | undefined {
    if (level.parts === undefined || reader.malformed) return undefined;
    const tag = (reader.number << 3) | WireType.LEN;
    const inner = new Opened(level.parts, tag, this.#batch.bytes, reader.start, reader.end);
    // Two pieces of data of one metric are one, or the first does not count: they stay together.
    if (inner.parts === 0 || (level.parts.isPart === isData && inner.parts > 1)) return undefined;
    const headers = this.#headers + this.#overhead(inner);
    if (headers > this.#maxHeaders) return undefined;
    this.#headers = headers;
    return inner;
  }

  /** The items of the part that is next; may stop counting when there are more than `limit`. */
  #count({ level, reader }: Opened, limit: number): number {
    return reader.malformed ? 0 : this.#countIn(level.parts, reader.start, reader.end, limit, 0);
  }

  #countIn(level: Level | undefined, from: number, to: number, limit: number, depth: number): number {
    if (level === undefined) return 1;
    const reader = this.#counters[depth]!;
    reader.reset(from, to);
    if (level.isPart === isData) return dataPoints(reader, this.#counters[depth + 1]!);
    let count = 0;
    while (count <= limit && reader.next()) {
      if (reader.wireType !== WireType.LEN || !level.isPart(reader.number)) continue;
      count += this.#countIn(level.parts, reader.start, reader.end, limit - count, depth + 1);
    }
    return count;
  }
}

/**
 * Several payloads of one signal as one: their bytes, one after the other, in one allocation.
 *
 * @param batches at least one; a single one is given back as it is
 */
export function mergeBatches(batches: readonly Batch[]): Batch {
  const [only] = batches;
  if (only === undefined) throw new RangeError("there is nothing to merge");
  if (batches.length === 1) return only;
  let size = 0;
  let items: number | undefined = 0;
  for (const batch of batches) {
    size += batch.bytes.length;
    items = items === undefined || batch.items === undefined ? undefined : items + batch.items;
  }
  const bytes = new Uint8Array(Buffer.allocUnsafeSlow(size).buffer);
  let position = 0;
  for (const batch of batches) {
    bytes.set(batch.bytes, position);
    position += batch.bytes.length;
  }
  return items === undefined ? { signal: batches[0]!.signal, bytes } : { signal: batches[0]!.signal, bytes, items };
}
