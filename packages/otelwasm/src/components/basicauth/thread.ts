/** The thread that works out slow hashes, one at a time. */
import { parentPort } from "node:worker_threads";
import { matchesSlowly } from "./hashes.ts";

export interface HashQuestion {
  readonly id: number;
  readonly hash: string;
  readonly password: string;
}

export interface HashAnswer {
  readonly id: number;
  readonly matches: boolean;
}

if (parentPort === null) throw new Error("thread.ts is the main module of a worker thread");
const owner = parentPort;
owner.on("message", ({ id, hash, password }: HashQuestion) => {
  owner.postMessage({ id, matches: matchesSlowly(hash, password) } satisfies HashAnswer);
});
