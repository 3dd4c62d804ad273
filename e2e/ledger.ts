/** What was sent, what the senders were told, and what came: the books have to agree to the last item. */
import type { Plain } from "./proto.ts";
import { type Attempt, ITEMS, idsIn, MAX_ATTEMPTS } from "./requests.ts";

/** How a guest decides: as `guests/faults.wat` does. */
export type Fate = "works" | "traps" | "hangs";

export function fateOf(bytes: Uint8Array): Fate {
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

  sent({ key, bytes }: Attempt): void {
    this.#fates.set(key, fateOf(bytes));
  }

  acknowledged({ key }: Attempt): void {
    this.#acknowledged.add(key);
  }

  refused({ key }: Attempt, why: string): void {
    this.#refused.set(key, why);
  }

  /** What came to the sink in one request. */
  received(message: Plain): void {
    const ids = idsIn("traces", message);
    const keys = new Set<number>();
    const numbers = new Set<number>();
    for (const id of ids) {
      if (id === undefined) this.#malformed.push("a span whose ids do not belong together");
      else {
        keys.add(id.request * MAX_ATTEMPTS + id.attempt);
        numbers.add(id.index);
      }
    }
    const [key] = keys;
    if (key === undefined || keys.size !== 1 || numbers.size !== ITEMS || ids.length !== ITEMS)
      this.#malformed.push(`${ids.length} spans of ${keys.size} requests in one`);
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
