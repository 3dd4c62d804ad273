import assert from "node:assert/strict";
import { test } from "node:test";
import type { LogLevel } from "../abi/values.ts";
import { LineWriter, type LogAttributes } from "../component/logger.ts";
import { ExchangeableLogger } from "./exchangeable-logger.ts";

class Lines extends LineWriter {
  readonly lines: [LogLevel, string, LogAttributes | undefined][] = [];

  override write(level: LogLevel, message: string, attributes: LogAttributes | undefined): void {
    this.lines.push([level, message, attributes]);
  }
}

test("loggers that were handed out go on to the one that takes the place of theirs, with their attributes", () => {
  const [before, after] = [new Lines(), new Lines()];
  const logger = new ExchangeableLogger(before);
  const child = logger.child({ a: 1 });
  const grandchild = child.child({ b: 2 });
  grandchild.warn("one", { c: 3 });
  logger.exchange(after);
  for (const level of ["trace", "debug", "info", "warn", "error"] as const) grandchild[level]("two");
  child.info("three");
  logger.error("four", { d: 4 });
  child.child({ e: 5 }).info("five");
  assert.deepEqual(before.lines, [["warn", "one", { a: 1, b: 2, c: 3 }]]);
  assert.deepEqual(after.lines, [
    ...["trace", "debug", "info", "warn", "error"].map((level) => [level, "two", { a: 1, b: 2 }]),
    ["info", "three", { a: 1 }],
    ["error", "four", { d: 4 }],
    ["info", "five", { a: 1, e: 5 }],
  ]);
});
