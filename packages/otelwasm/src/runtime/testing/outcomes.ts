/** A reporter of Node's test runner for another process to read: a line for each test and suite, when it is done. */
import type { TestEvent } from "node:test/reporters";
import { inspect } from "node:util";

export interface Outcome {
  readonly name: string;
  /** How many suites it is in. */
  readonly nesting: number;
  readonly suite: boolean;
  /** The reason, or `true` where none is given. */
  readonly skip?: string | boolean | undefined;
  /** Of what failed. */
  readonly error?: string | undefined;
}

export default async function* reporter(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const { type, data } of events) {
    if (type !== "test:pass" && type !== "test:fail") continue;
    const { name, nesting, skip, details } = data;
    const failure = type === "test:fail" ? data.details.error : undefined;
    const outcome: Outcome = {
      name,
      nesting,
      suite: details.type === "suite",
      skip,
      error: failure && inspect(failure.cause ?? failure),
    };
    yield `${JSON.stringify(outcome)}\n`;
  }
}
