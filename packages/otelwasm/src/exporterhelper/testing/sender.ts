import { ConsumerError } from "../../component/errors.ts";

/** How a promise has ended, once it has. */
export interface Watched {
  state: "open" | "done" | ConsumerError;
  /** How often it was told. */
  settled: number;
}

export function watched(promise: Promise<void>): Watched {
  const watch: Watched = { state: "open", settled: 0 };
  promise.then(
    () => {
      watch.state = "done";
      watch.settled++;
    },
    (error: unknown) => {
      watch.state = ConsumerError.from(error);
      watch.settled++;
    },
  );
  return watch;
}
