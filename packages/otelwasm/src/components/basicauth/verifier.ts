import { hash, randomBytes } from "node:crypto";
import { Worker } from "node:worker_threads";
import { ConsumerError } from "../../component/errors.ts";
import { matches, type StoredPassword, type Users } from "./htpasswd.ts";
import type { HashAnswer, HashQuestion } from "./thread.ts";

/** Sources run as they stand, the published package has been compiled. */
const ENTRY = new URL(import.meta.url.endsWith(".ts") ? "./thread.ts" : "./thread.js", import.meta.url);

/** So many passwords may wait for the thread: at bcrypt's usual cost some seconds of work. */
const MAX_WAITING = 64;
/** So many that were right are remembered, and as many that were wrong: who guesses must not push out who knows. */
const REMEMBERED = 1_000;

/** Tells whether users' passwords are right. Hashes that are slow are worked out on a thread of their own, and their outcome is remembered. */
export class Verifier {
  readonly #thread: HashThread = new HashThread();
  /** Nobody else's: what is remembered under a name made with it tells nothing. */
  readonly #secret: string = randomBytes(32).toString("base64");
  #users: Users = new Map();
  /** Whose password is tried for users that there are none of, so that they take as long. */
  #decoy: StoredPassword | undefined;
  #memory: Memory = new Memory();

  /** From now on these count. What is under way ends as it would have. */
  replace(users: Users): void {
    this.#users = users;
    const all = [...users.values()];
    this.#decoy = all.find(({ kind }) => kind === "slow") ?? all[0];
    this.#memory = new Memory();
  }

  /** @returns at once what is remembered or quick; a promise of it rejects with a retryable ConsumerError if there is too much to do */
  verify(user: string, password: string): boolean | Promise<boolean> {
    const known = this.#users.get(user);
    const stored = known ?? this.#decoy;
    if (stored === undefined) return false;
    if (stored.kind !== "slow") return matches(stored, password) && known !== undefined;
    const key = hash("sha256", `${this.#secret}${user.length}:${user}${password}`, "base64");
    return this.#memory.recall(key) ?? this.#memory.learn(key, this.#ask(stored.hash, password, known !== undefined));
  }

  async #ask(hash: string, password: string, known: boolean): Promise<boolean> {
    return (await this.#thread.ask(hash, password)) && known;
  }

  async close(): Promise<void> {
    await this.#thread.close();
  }
}

class Memory {
  readonly #right: Set<string> = new Set();
  readonly #wrong: Set<string> = new Set();
  /** The same question is asked once. */
  readonly #open: Map<string, Promise<boolean>> = new Map();

  recall(key: string): boolean | Promise<boolean> | undefined {
    if (this.#right.has(key)) return true;
    if (this.#wrong.has(key)) return false;
    return this.#open.get(key);
  }

  learn(key: string, answer: Promise<boolean>): Promise<boolean> {
    const learnt = answer.then(
      (right) => {
        this.#open.delete(key);
        const set = right ? this.#right : this.#wrong;
        if (set.size >= REMEMBERED) for (const oldest of set.values()) if (set.delete(oldest)) break;
        set.add(key);
        return right;
      },
      (error: unknown) => {
        this.#open.delete(key);
        throw error;
      },
    );
    this.#open.set(key, learnt);
    return learnt;
  }
}

interface Waiting {
  readonly resolve: (matches: boolean) => void;
  readonly reject: (error: ConsumerError) => void;
}

/** Started by the first question. */
class HashThread {
  #worker: Worker | undefined;
  readonly #waiting: Map<number, Waiting> = new Map();
  #next = 0;
  #closed = false;

  ask(hash: string, password: string): Promise<boolean> {
    return new Promise((resolve, reject) => {
      if (this.#closed || this.#waiting.size >= MAX_WAITING) {
        reject(ConsumerError.retryable("too many passwords are to be checked", { retryAfterMs: 1_000 }));
        return;
      }
      const id = this.#next++;
      this.#waiting.set(id, { resolve, reject });
      this.#worker ??= this.#start();
      this.#worker.postMessage({ id, hash, password } satisfies HashQuestion);
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#worker?.terminate();
  }

  #start(): Worker {
    const worker = new Worker(ENTRY, { name: "otelwasm passwords", env: {}, execArgv: [] });
    worker.unref();
    worker.on("message", ({ id, matches }: HashAnswer) => {
      this.#waiting.get(id)?.resolve(matches);
      this.#waiting.delete(id);
    });
    const end = (): void => {
      if (this.#worker === worker) this.#worker = undefined;
      for (const { reject } of this.#waiting.values()) reject(ConsumerError.retryable("the password was not checked"));
      this.#waiting.clear();
    };
    // Its end follows.
    worker.on("error", () => {});
    worker.on("exit", end);
    return worker;
  }
}
