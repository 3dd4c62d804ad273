/** Requests whose every item says which it is, and by which attempt of its sender it came. */
import { encode, items, type Plain, requestType, SIGNALS, type Signal } from "./proto.ts";

/** Items of a request. */
export const ITEMS = 10;
/** A request is tried less often than this. */
export const MAX_ATTEMPTS = 256;

/** One try of one request. */
export interface Attempt {
  readonly request: number;
  /** From 0. */
  readonly attempt: number;
  /** Of the two together. */
  readonly key: number;
  readonly bytes: Buffer;
}

export interface ItemId {
  readonly request: number;
  readonly attempt: number;
  /** Within the request, from 0. */
  readonly index: number;
}

/** Where a signal's items have room for an id: two fields of fixed length, both with the number of the request, the first with the attempt, the second with the item. */
interface Place {
  /** What is looked for in the template, once for each item. */
  readonly marks: readonly [Buffer, Buffer];
  readonly content: Readonly<Record<string, unknown>>;
  write(bytes: Buffer, at: readonly [number, number], id: ItemId): void;
  /** @returns undefined if the two fields do not belong together */
  read(item: Plain): ItemId | undefined;
}

const TRACE_ID = Buffer.alloc(16, 0xee);
const SPAN_ID = Buffer.alloc(8, 0xdd);
const START = 0xeeee_eeee_eeee_eeeen;
const TIME = 0xdddd_dddd_dddd_ddddn;
const numbers = Array.from({ length: ITEMS }, (_, index) => index);

/** Spans and records have a trace's id and a span's. */
function ofTrace(content: Readonly<Record<string, unknown>>): Place {
  return {
    marks: [TRACE_ID, SPAN_ID],
    content,
    write(bytes, [traceId, spanId], { request, attempt, index }) {
      bytes.writeBigUInt64BE(BigInt(request), traceId);
      bytes.writeBigUInt64BE(BigInt(attempt + 1), traceId + 8);
      bytes.writeUInt32BE(request, spanId);
      bytes.writeUInt32BE(index + 1, spanId + 4);
    },
    read({ traceId, spanId }) {
      const [trace, span] = [Buffer.from(String(traceId), "hex"), Buffer.from(String(spanId), "hex")];
      if (trace.length !== 16 || span.length !== 8) return undefined;
      const request = span.readUInt32BE(0);
      if (trace.readBigUInt64BE(0) !== BigInt(request)) return undefined;
      return { request, attempt: Number(trace.readBigUInt64BE(8)) - 1, index: span.readUInt32BE(4) - 1 };
    },
  };
}

/** Points have two times. */
function littleEndian(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return bytes;
}

const PLACES: Readonly<Record<Signal, Place>> = {
  traces: ofTrace({
    scopeSpans: [
      {
        scope: { name: "load" },
        spans: numbers.map((index) => ({
          traceId: TRACE_ID,
          spanId: SPAN_ID,
          name: `GET /product/${index}`,
          kind: 2,
          startTimeUnixNano: "1700000000000000000",
          endTimeUnixNano: "1700000000001000000",
          attributes: [{ key: "http.response.status_code", value: { intValue: "200" } }],
        })),
      },
    ],
  }),
  logs: ofTrace({
    scopeLogs: [
      {
        scope: { name: "load" },
        logRecords: numbers.map((index) => ({
          traceId: TRACE_ID,
          spanId: SPAN_ID,
          body: { stringValue: `line ${index}` },
          severityNumber: 9,
        })),
      },
    ],
  }),
  metrics: {
    marks: [littleEndian(START), littleEndian(TIME)],
    content: {
      scopeMetrics: [
        {
          scope: { name: "load" },
          metrics: [0, 1].map((half) => ({
            name: `requests.${half}`,
            gauge: {
              dataPoints: numbers
                .filter((index) => index % 2 === half)
                .map((index) => ({ startTimeUnixNano: String(START), timeUnixNano: String(TIME), asInt: index })),
            },
          })),
        },
      ],
    },
    write(bytes, [start, time], { request, attempt, index }) {
      bytes.writeBigUInt64LE((BigInt(request) << 16n) | BigInt(attempt + 1), start);
      bytes.writeBigUInt64LE((BigInt(request) << 16n) | BigInt(index + 1), time);
    },
    read({ startTimeUnixNano, timeUnixNano }) {
      const [start, time] = [BigInt(String(startTimeUnixNano)), BigInt(String(timeUnixNano))];
      if (start >> 16n !== time >> 16n) return undefined;
      const low = (value: bigint): number => Number(value & 0xffffn) - 1;
      return { request: Number(start >> 16n), attempt: low(start), index: low(time) };
    },
  },
};

const LISTS = { traces: "resourceSpans", metrics: "resourceMetrics", logs: "resourceLogs" } as const;

/** Of one signal. Each attempt has other bytes. */
export class Requests {
  readonly #place: Place;
  readonly #template: Buffer;
  /** Where the ids are. */
  readonly #positions: readonly (readonly [number, number])[];

  /** @param ballast bytes that each request has besides */
  constructor(signal: Signal = "traces", ballast: number = 0) {
    this.#place = PLACES[signal];
    const attribute = (key: string, stringValue: string): object => ({ key, value: { stringValue } });
    const resource = {
      attributes: [
        attribute("service.name", "shop"),
        ...(ballast > 0 ? [attribute("ballast", "x".repeat(ballast))] : []),
      ],
    };
    const object = { [LISTS[signal]]: [{ resource, ...this.#place.content }] };
    this.#template = Buffer.from(encode(requestType[signal], object));
    const [first, second] = this.#place.marks.map((mark) => positions(this.#template, mark));
    this.#positions = numbers.map((index) => [first![index]!, second![index]!] as const);
  }

  attempt(request: number, attempt: number): Attempt {
    if (attempt >= MAX_ATTEMPTS) throw new Error(`request ${request} was refused ${attempt} times`);
    const bytes = Buffer.from(this.#template);
    for (const [index, at] of this.#positions.entries()) this.#place.write(bytes, at, { request, attempt, index });
    return { request, attempt, key: request * MAX_ATTEMPTS + attempt, bytes };
  }
}

function positions(haystack: Buffer, needle: Buffer): number[] {
  const found: number[] = [];
  for (let at = haystack.indexOf(needle); at >= 0; at = haystack.indexOf(needle, at + needle.length)) found.push(at);
  if (found.length !== ITEMS) throw new Error(`${found.length} ids in the template`);
  return found;
}

/** The ids of all items of a message; undefined for an item that has none, or one of which the parts do not belong together. */
export function idsIn(signal: Signal, message: Plain): (ItemId | undefined)[] {
  return items(signal, message).map((item) => PLACES[signal].read(item));
}

/** One for each signal. */
export function requestsOf(signals: readonly Signal[] = SIGNALS): ReadonlyMap<Signal, Requests> {
  return new Map(signals.map((signal) => [signal, new Requests(signal)]));
}
