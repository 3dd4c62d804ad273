/** What was sent, what the senders were told, and what came: the books have to agree to the last item. */
import { encode, items, type Plain, requestType } from "./proto.ts";

/** Items of a request. */
export const ITEMS = 10;
/** A request is tried less often than this. */
const MAX_ATTEMPTS = 256;

const TRACE_ID = 16;
const SPAN_ID = 8;
/** How a guest decides: as `guests/faults.wat` does. */
export type Fate = "works" | "traps" | "hangs";

/** One try of one request. */
export interface Attempt {
  readonly key: number;
  readonly bytes: Buffer;
  readonly fate: Fate;
}

/**
 * Requests whose every item has an id of its own: the trace's id is the number of the request and of the attempt, the span's the number of the request and
 * of the item. So each attempt has other bytes.
 */
export class Requests {
  readonly #template: Buffer;
  /** Where the ids are. */
  readonly #traceIds: readonly number[];
  readonly #spanIds: readonly number[];

  constructor() {
    const [traceId, spanId] = [Buffer.alloc(TRACE_ID, 0xee), Buffer.alloc(SPAN_ID, 0xdd)];
    const spans = Array.from({ length: ITEMS }, (_, index) => ({
      traceId,
      spanId,
      name: `GET /product/${index}`,
      kind: 2,
      startTimeUnixNano: "1700000000000000000",
      endTimeUnixNano: "1700000000001000000",
      attributes: [{ key: "http.response.status_code", value: { intValue: "200" } }],
    }));
    const resource = { attributes: [{ key: "service.name", value: { stringValue: "shop" } }] };
    this.#template = Buffer.from(
      encode(requestType.traces, { resourceSpans: [{ resource, scopeSpans: [{ scope: { name: "load" }, spans }] }] }),
    );
    this.#traceIds = positions(this.#template, traceId);
    this.#spanIds = positions(this.#template, spanId);
  }

  attempt(request: number, attempt: number): Attempt {
    if (attempt >= MAX_ATTEMPTS) throw new Error(`request ${request} was refused ${attempt} times`);
    const bytes = Buffer.from(this.#template);
    for (const at of this.#traceIds) {
      bytes.writeBigUInt64BE(BigInt(request), at);
      bytes.writeBigUInt64BE(BigInt(attempt + 1), at + 8);
    }
    for (const [index, at] of this.#spanIds.entries()) {
      bytes.writeUInt32BE(request, at);
      bytes.writeUInt32BE(index + 1, at + 4);
    }
    return { key: request * MAX_ATTEMPTS + attempt, bytes, fate: fateOf(bytes) };
  }
}

function positions(haystack: Buffer, needle: Buffer): number[] {
  const found: number[] = [];
  for (let at = haystack.indexOf(needle); at >= 0; at = haystack.indexOf(needle, at + 1)) found.push(at);
  if (found.length !== ITEMS) throw new Error(`${found.length} ids in the template`);
  return found;
}

function fateOf(bytes: Uint8Array): Fate {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  hash = (hash ^ (hash >>> 15)) >>> 0;
  if (hash % 5000 === 0) return "hangs";
  return hash % 500 === 1 ? "traps" : "works";
}

export class Ledger {
  readonly #fates = new Map<number, Fate>();
  readonly #acknowledged = new Set<number>();
  readonly #refused = new Map<number, string>();
  /** How often each attempt came whole, in one piece. */
  readonly #received = new Map<number, number>();
  readonly #malformed: string[] = [];

  sent({ key, fate }: Attempt): void {
    this.#fates.set(key, fate);
  }

  acknowledged({ key }: Attempt): void {
    this.#acknowledged.add(key);
  }

  refused({ key }: Attempt, why: string): void {
    this.#refused.set(key, why);
  }

  /** What came to the sink in one request. */
  received(message: Plain): void {
    const spans = items("traces", message);
    const keys = new Set<number>();
    const numbers = new Set<number>();
    for (const { traceId, spanId } of spans) {
      const [trace, span] = [Buffer.from(String(traceId), "hex"), Buffer.from(String(spanId), "hex")];
      const request = Number(trace.readBigUInt64BE(0));
      if (span.readUInt32BE(0) !== request) this.#malformed.push(`span ${spanId} in trace ${traceId}`);
      keys.add(request * MAX_ATTEMPTS + Number(trace.readBigUInt64BE(8)) - 1);
      numbers.add(span.readUInt32BE(4));
    }
    const [key] = keys;
    if (key === undefined || keys.size !== 1 || numbers.size !== ITEMS || spans.length !== ITEMS)
      this.#malformed.push(`${spans.length} spans of ${keys.size} requests in one`);
    else this.#received.set(key, (this.#received.get(key) ?? 0) + 1);
  }

  get totals(): LedgerTotals {
    const count = (fate: Fate): number =>
      [...this.#fates.values()].reduce((sum, each) => sum + (each === fate ? 1 : 0), 0);
    const reasons: Record<string, number> = {};
    for (const why of this.#refused.values()) reasons[why] = (reasons[why] ?? 0) + 1;
    return {
      attempts: this.#fates.size,
      acknowledged: this.#acknowledged.size,
      refused: this.#refused.size,
      refusedBecause: reasons,
      received: [...this.#received.values()].reduce((sum, times) => sum + times, 0),
      itemsReceived: [...this.#received.values()].reduce((sum, times) => sum + times * ITEMS, 0),
      trapsDue: count("traps"),
      hangsDue: count("hangs"),
    };
  }

  /** Where the books do not agree, in words. */
  problems(): string[] {
    const acknowledged = [...this.#acknowledged];
    const found: Readonly<Record<string, number>> = {
      "attempts were neither acknowledged nor refused": this.#fates.size - acknowledged.length - this.#refused.size,
      "acknowledged attempts are not at the sink": acknowledged.filter((key) => !this.#received.has(key)).length,
      "refused attempts are at the sink": [...this.#refused.keys()].filter((key) => this.#received.has(key)).length,
      "attempts came more than once": [...this.#received.values()].filter((times) => times > 1).length,
      "attempts came that nobody sent": [...this.#received.keys()].filter((key) => !this.#fates.has(key)).length,
      "attempts were acknowledged although the plugin breaks on them": acknowledged.filter(
        (key) => this.#fates.get(key) !== "works",
      ).length,
    };
    const wrong = Object.entries(found).flatMap(([what, count]) => (count === 0 ? [] : [`${count} ${what}`]));
    return [...wrong, ...this.#malformed.slice(0, 5)];
  }
}

export interface LedgerTotals {
  readonly attempts: number;
  readonly acknowledged: number;
  readonly refused: number;
  readonly refusedBecause: Readonly<Record<string, number>>;
  readonly received: number;
  readonly itemsReceived: number;
  /** Attempts with bytes that the plugin traps, or hangs, on. */
  readonly trapsDue: number;
  readonly hangsDue: number;
}
