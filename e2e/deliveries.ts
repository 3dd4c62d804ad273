/** Requests of any signal that can be told apart, and the books about them: what was sent, what the senders were told, and what came. */
import { encode, items, type Plain, requestType, type Signal } from "./proto.ts";

/** What the processor between has to put into every item, as the attribute `guest.mark`. */
export const MARK = "seen";
const ITEMS = 10;
const ID = "load.id";
const DIGITS = 12;

const CONTENT: Readonly<Record<Signal, object>> = {
  traces: {
    scopeSpans: [{ spans: Array.from({ length: ITEMS }, (_, index) => ({ name: `GET /product/${index}`, kind: 2 })) }],
  },
  metrics: {
    scopeMetrics: [
      {
        metrics: [
          { name: "requests", gauge: { dataPoints: Array.from({ length: ITEMS }, (_, index) => ({ asInt: index })) } },
        ],
      },
    ],
  },
  logs: {
    scopeLogs: [
      { logRecords: Array.from({ length: ITEMS }, (_, index) => ({ body: { stringValue: `line ${index}` } })) },
    ],
  },
};

const LISTS = { traces: "resourceSpans", metrics: "resourceMetrics", logs: "resourceLogs" } as const;

/** @returns what makes the request with an id */
export function template(signal: Signal): (id: number) => Uint8Array {
  const placeholder = "x".repeat(DIGITS);
  const resource = { attributes: [{ key: ID, value: { stringValue: placeholder } }] };
  const bytes = Buffer.from(encode(requestType[signal], { [LISTS[signal]]: [{ resource, ...CONTENT[signal] }] }));
  const at = bytes.indexOf(placeholder);
  return (id) => {
    const request = Buffer.from(bytes);
    request.write(String(id).padStart(DIGITS, "0"), at, "latin1");
    return request;
  };
}

export class Deliveries {
  readonly #sent: Signal[] = [];
  readonly #acknowledged = new Set<number>();
  readonly #refused = new Map<number, string>();
  /** How often each came whole. */
  readonly #received = new Map<number, number>();
  readonly #malformed: string[] = [];

  /** @returns the id of the next request */
  sent(signal: Signal): number {
    return this.#sent.push(signal) - 1;
  }

  acknowledged(id: number): void {
    this.#acknowledged.add(id);
  }

  refused(id: number, why: string): void {
    this.#refused.set(id, why);
  }

  /** What came to the sink in one request. */
  received(signal: Signal, message: Plain): void {
    const resources = (message[LISTS[signal]] ?? []) as { resource?: { attributes?: Plain[] } }[];
    const attributes = resources[0]?.resource?.attributes ?? [];
    const id = Number((attributes.find(({ key }) => key === ID)?.value as Plain | undefined)?.stringValue);
    const marked = items(signal, message).filter((item) =>
      ((item.attributes ?? []) as Plain[]).some(
        ({ key, value }) => key === "guest.mark" && (value as Plain).stringValue === MARK,
      ),
    );
    if (resources.length !== 1 || marked.length !== ITEMS || this.#sent[id] !== signal)
      this.#malformed.push(`${signal}: ${resources.length} resources, ${marked.length} marked items, id ${id}`);
    else this.#received.set(id, (this.#received.get(id) ?? 0) + 1);
  }

  get totals(): { readonly acknowledged: number; readonly refused: number } {
    return { acknowledged: this.#acknowledged.size, refused: this.#refused.size };
  }

  /**
   * Where the books do not agree, in words.
   *
   * @param stopped whether the collector was stopped: before, nothing may be refused; then, everything must have been answered, and what was refused may have
   *   come all the same
   */
  problems({ stopped }: { readonly stopped: boolean }): string[] {
    const found: Readonly<Record<string, number>> = {
      "acknowledged requests are not at the sink": [...this.#acknowledged].filter((id) => !this.#received.has(id))
        .length,
      "acknowledged requests came more than once": [...this.#acknowledged].filter((id) => this.#received.get(id)! > 1)
        .length,
      "requests were refused before the stop": stopped ? 0 : this.#refused.size,
      "requests were never answered": stopped ? this.#sent.length - this.#acknowledged.size - this.#refused.size : 0,
    };
    const wrong = Object.entries(found).flatMap(([what, count]) => (count === 0 ? [] : [`${count} ${what}`]));
    const reasons = stopped ? [] : [...new Set(this.#refused.values())].slice(0, 5);
    return [...wrong, ...reasons, ...this.#malformed.slice(0, 5)];
  }
}
