/** What a mutation is, and the outcomes that it may have. */
import type { Socket } from "node:net";
import type { Random } from "../random.ts";

/** `HTTP 400`, `gRPC 3`, or `closed`: the connection ended without an answer. */
type Outcome = string;

export interface Mutation<T> {
  /** `mutated part: how` */
  readonly name: string;
  /** A status that says what is wrong. What is still valid must be taken. */
  readonly allowed: readonly Outcome[];
  make(random: Random): T;
}

export function alter(random: Random, bytes: Uint8Array, times: number): Buffer {
  const altered = Buffer.from(bytes);
  for (let n = 0; n < times; n++) altered[random.between(0, altered.length - 1)]! ^= 1 << random.between(0, 7);
  return altered;
}

/** Its beginning: at least a byte of it, and not all. */
export function cut(random: Random, bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.subarray(0, random.between(1, bytes.length - 1)));
}

/** However it ends: an error is an end, too. */
export function closing(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.once("close", () => resolve());
  });
}
