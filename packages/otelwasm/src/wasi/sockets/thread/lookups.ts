/** Names to addresses, by the system's resolver: each occupies a thread of the process while it lasts, which may be as long as a name server wants. */
import { lookup } from "node:dns/promises";

/** Of the four threads that Node.js has for this and for files: names that are answered slowly must leave some to the others. */
const MAX_RUNNING = 2;
/** Guests that wait for their turn. */
const MAX_WAITING = 64;

/** @returns addresses, as `node:dns` does */
export type Lookup = (name: string, family: 0 | 4 | 6) => Promise<readonly string[]>;

interface Order {
  readonly name: string;
  readonly family: 0 | 4 | 6;
  readonly resolve: (addresses: readonly string[]) => void;
  readonly reject: (error: unknown) => void;
}

/** Who may look up what when: a few at a time, one for each guest, in the order in which they asked. */
export class Lookups {
  readonly #lookup: Lookup;
  /** By the guest. What is dropped runs on to its end, as the resolver cannot be stopped. */
  readonly #running = new Map<object, Order>();
  readonly #waiting = new Map<object, Order>();

  constructor(lookup: Lookup = bySystem) {
    this.#lookup = lookup;
  }

  /**
   * A guest waits for one name at a time: if it asks for another, it has been interrupted, and the one before is given up.
   *
   * @throws Error `EAI_AGAIN` if too many wait, or it was dropped; Error of Node's
   */
  resolve(guest: object, name: string, family: 0 | 4 | 6): Promise<readonly string[]> {
    this.drop(guest);
    if (this.#waiting.size >= MAX_WAITING) return Promise.reject(tryAgain());
    return new Promise((resolve, reject) => {
      this.#waiting.set(guest, { name, family, resolve, reject });
      this.#next();
    });
  }

  /** Nobody waits any more for what this guest has asked. */
  drop(guest: object): void {
    this.#running.get(guest)?.reject(tryAgain());
    this.#waiting.get(guest)?.reject(tryAgain());
    this.#waiting.delete(guest);
  }

  #next(): void {
    for (const [guest, order] of this.#waiting) {
      if (this.#running.size >= MAX_RUNNING) return;
      if (this.#running.has(guest)) continue;
      this.#waiting.delete(guest);
      this.#running.set(guest, order);
      void this.#lookup(order.name, order.family)
        .then(order.resolve, order.reject)
        .then(() => {
          this.#running.delete(guest);
          this.#next();
        });
    }
  }
}

async function bySystem(name: string, family: 0 | 4 | 6): Promise<readonly string[]> {
  const found = await lookup(name, { all: true, family, order: "ipv4first" });
  return found.map(({ address }) => address);
}

function tryAgain(): Error {
  return Object.assign(new Error("too many names are being resolved"), { code: "EAI_AGAIN" });
}
