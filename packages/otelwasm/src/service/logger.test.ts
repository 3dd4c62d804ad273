import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createLogger, type LoggerOptions } from "./logger.ts";

function capture(options: LoggerOptions = {}) {
  const written: string[] = [];
  const logger = createLogger({ colour: false, ...options, write: (text) => written.push(text) });
  return { logger, text: () => written.join("") };
}

const TIME = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/;

describe("console", () => {
  test("time, level, message, attributes", () => {
    const { logger, text } = capture();
    logger.child({ "otelcol.component.id": "otlp" }).info("Listening", { port: 4317, deep: { a: [1] } });
    logger.error("Bad");
    const [first, second] = text().split("\n");
    assert.match(
      first!,
      new RegExp(
        `^${TIME.source}  info   Listening  \\{"otelcol.component.id": "otlp", "port": 4317, "deep": \\{"a":\\[1\\]\\}\\}$`,
      ),
    );
    assert.match(second!, new RegExp(`^${TIME.source}  error  Bad$`));
  });

  test("a message with several lines stays readable", () => {
    const { logger, text } = capture();
    logger.info("ResourceSpans #0\n  Span #0\n     -> a: Str(b)\n", { id: "debug" });
    assert.match(
      text(),
      new RegExp(`^${TIME.source}  info   ResourceSpans #0  \\{"id": "debug"\\}\n  Span #0\n     -> a: Str\\(b\\)\n$`),
    );
  });

  test("colours only where wanted", () => {
    const { logger, text } = capture({ colour: true });
    logger.warn("Careful", { a: 1 });
    assert.ok(text().includes("\u001b[33mwarn\u001b[0m"), JSON.stringify(text()));
    assert.equal(capture().text().includes("\u001b"), false);
  });
});

describe("json", () => {
  test("has the Collector's names", () => {
    const { logger, text } = capture({ encoding: "json" });
    logger.child({ a: 1 }).warn("two\nlines", { b: "x" });
    const line = JSON.parse(text());
    assert.match(line.ts, TIME);
    assert.deepEqual({ ...line, ts: "" }, { level: "warn", ts: "", a: 1, b: "x", msg: "two\nlines" });
    assert.equal(text().split("\n").length, 2);
  });

  test("a percent sign and an attribute of type bigint are nothing special", () => {
    const { logger, text } = capture({ encoding: "json" });
    logger.info("%s %d", { big: 2n ** 63n });
    assert.match(text(), /"msg":"%s %d"/);
    assert.match(text(), /"big":9223372036854775808/);
  });
});

test("attributes cannot pass themselves off as the line's own", () => {
  for (const encoding of ["json", "console"] as const) {
    const { logger, text } = capture({ encoding });
    logger.child({ msg: "c" }).info("true", { level: "something long", ts: 0 });
    assert.match(text(), /"attributes.msg": ?"c".*"attributes.level": ?"something long", ?"attributes.ts": ?0/);
    assert.match(text(), /info/);
  }
});

describe("levels", () => {
  test("less important lines are left out", () => {
    for (const [level, expected] of [
      ["trace", "trace debug info warn error"],
      ["debug", "debug info warn error"],
      ["info", "info warn error"],
      ["warn", "warn error"],
      ["error", "error"],
    ] as const) {
      const { logger, text } = capture({ encoding: "json", level });
      const child = logger.child({ x: 1 });
      child.trace("trace");
      child.debug("debug");
      child.info("info");
      child.warn("warn");
      child.error("error");
      const seen = text()
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line).msg);
      assert.equal(seen.join(" "), expected);
    }
  });

  test("an error is its message, and its stack for those who debug", () => {
    const failure = new Error("no luck");
    const short = capture({ encoding: "json" });
    short.logger.error("Failed", { error: failure });
    assert.equal(JSON.parse(short.text()).error, "no luck");
    const long = capture({ encoding: "json", level: "debug" });
    long.logger.error("Failed", { error: failure });
    assert.match(JSON.parse(long.text()).error, /no luck\n\s+at /);
  });
});
