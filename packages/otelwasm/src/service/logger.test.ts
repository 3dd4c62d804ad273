import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import { LogSampler } from "./log-sampler.ts";
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

describe("what a configuration says", () => {
  test("fields in every line, the resource if it is wanted, stacks of errors", () => {
    const resource = { "service.name": "x" };
    const failure = new Error("no luck");
    const own = capture({ encoding: "json", initialFields: { team: "a", msg: "b" }, resource, stacks: "warn" });
    own.logger.child({ id: 1 }).error("Failed", { error: failure });
    own.logger.info("Said", { error: failure });
    const [error, info] = own
      .text()
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    assert.deepEqual([error.team, error["attributes.msg"], error.id, error.resource], ["a", "b", 1, undefined]);
    assert.match(error.error, /no luck\n\s+at /);
    assert.equal(info.error, "no luck");
    const all = capture({ encoding: "json", level: "debug", resource, withResource: true, stacks: "never" });
    all.logger.error("Failed", { error: failure });
    const line = JSON.parse(all.text());
    assert.deepEqual([line.resource, line.error], [resource, "no luck"]);
  });

  test("files are appended to, and several places get the same", () => {
    const folder = mkdtempSync(join(tmpdir(), "otelwasm-log-"));
    const [first, second] = [join(folder, "a.log"), join(folder, "b.log")];
    writeFileSync(first, "before\n");
    const logger = createLogger({ encoding: "json", outputPaths: [first, pathToFileURL(second).href] });
    logger.info("Said");
    const [before, line, end] = readFileSync(first, "utf8").split("\n");
    assert.deepEqual([before, end], ["before", ""]);
    assert.equal(JSON.parse(line!).msg, "Said");
    assert.equal(readFileSync(second, "utf8"), `${line}\n`);
    logger.close?.();
    assert.throws(() => createLogger({ outputPaths: [folder] }), {
      name: "ConfigError",
      message: new RegExp(`^service::telemetry::logs::output_paths: cannot open ${folder}: EISDIR`),
    });
    rmSync(folder, { recursive: true });
  });
});

test("what cannot be written is said elsewhere, and the rest is written", { skip: !existsSync("/dev/full") }, () => {
  const folder = mkdtempSync(join(tmpdir(), "otelwasm-log-"));
  const [errors, good] = [join(folder, "errors"), join(folder, "good")];
  const logger = createLogger({ outputPaths: ["/dev/full", good], errorOutputPaths: [errors] });
  for (let i = 0; i < 3; i++) logger.info(`Said ${i}`);
  assert.match(readFileSync(good, "utf8"), /Said 0.*\n.*Said 1.*\n.*Said 2/);
  assert.match(readFileSync(errors, "utf8"), /^\S+ {2}error {2}Cannot write the log to \/dev\/full: ENOSPC.*\n$/);
  rmSync(folder, { recursive: true });
});

describe("sampling", () => {
  const sampling = { tick: 1_000, initial: 2, thereafter: 3 };

  test("of one level and message: the first ones of each tick, then every so manieth", () => {
    let now = 0;
    const sampler = new LogSampler(sampling, () => now);
    const admitted = (count: number, level = "info", message = "a") =>
      Array.from({ length: count }, () => (sampler.admits(level, message) ? "x" : ".")).join("");
    assert.equal(admitted(9), "xx..x..x.");
    assert.equal(admitted(3, "info", "b"), "xx.");
    assert.equal(admitted(3, "error"), "xx.");
    now = 999;
    assert.equal(admitted(2), ".x");
    now = 1_000;
    assert.equal(admitted(5), "xx..x");
    const none = new LogSampler({ ...sampling, thereafter: 0 }, () => 0);
    assert.equal(Array.from({ length: 100 }, () => none.admits("info", "a")).filter(Boolean).length, 2);
  });

  test("any number of messages is no matter", () => {
    const sampler = new LogSampler(sampling, () => 0);
    for (let i = 0; i < 100_000; i++) assert.ok(sampler.admits("info", `message ${i}`));
  });

  test("children share it, and lines below the level do not count", () => {
    const { logger, text } = capture({ sampling });
    const child = logger.child({ a: 1 });
    for (let i = 0; i < 10; i++) logger.debug("Said");
    for (let i = 0; i < 2; i++) logger.info("Said");
    for (let i = 0; i < 3; i++) child.info("Said");
    assert.equal(text().match(/Said/g)?.length, 3);
  });
});
