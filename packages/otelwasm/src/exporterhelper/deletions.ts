import type { StorageClient } from "../component/storage.ts";

/** Milliseconds until a deletion that failed is tried again. */
const RETRY_MS = 1000;

export interface DeletionEvents {
  deleted(keys: readonly string[]): void;
  failed(error: unknown): void;
}

/** Deletes entries that nobody waits for: all that have come while the ones before were deleted, in one call. */
export class Deletions {
  readonly #client: StorageClient;
  readonly #events: DeletionEvents;
  #keys: string[] = [];
  #running: Promise<boolean> | undefined;
  #retry: NodeJS.Timeout | undefined;

  constructor(client: StorageClient, events: DeletionEvents) {
    this.#client = client;
    this.#events = events;
  }

  add(key: string): void {
    this.#keys.push(key);
    if (this.#retry === undefined) this.#run();
  }

  /** When all is deleted, or it cannot be: what is left is delivered once more by the next process. */
  async finish(): Promise<void> {
    clearTimeout(this.#retry);
    this.#retry = undefined;
    for (let works = true; works && (this.#running !== undefined || this.#keys.length > 0); ) {
      this.#run();
      works = (await this.#running) ?? false;
    }
    clearTimeout(this.#retry);
  }

  #run(): void {
    if (this.#running !== undefined || this.#keys.length === 0) return;
    const keys = this.#keys;
    this.#keys = [];
    this.#running = this.#client.batch(keys.map((key) => ({ type: "delete", key }))).then(
      () => {
        this.#running = undefined;
        this.#events.deleted(keys);
        this.#run();
        return true;
      },
      (error: unknown) => {
        this.#running = undefined;
        this.#keys = [...keys, ...this.#keys];
        this.#events.failed(error);
        this.#retry = setTimeout(() => {
          this.#retry = undefined;
          this.#run();
        }, RETRY_MS);
        return false;
      },
    );
  }
}
