import type { Receiver } from "../../component/component.ts";

/** Receives nothing. */
export function createReceiver(): Receiver {
  return { start: async () => {}, shutdown: async () => {} };
}
