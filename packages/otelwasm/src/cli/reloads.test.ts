import assert from "node:assert/strict";
import { test } from "node:test";
import type { LogLevel } from "../abi/values.ts";
import { LineWriter } from "../component/logger.ts";
import type { RawConfig } from "../config/load.ts";
import { Reloads } from "./reloads.ts";

class Lines extends LineWriter {
  readonly lines: string[] = [];

  override write(level: LogLevel, message: string): void {
    this.lines.push(`${level}: ${message}`);
  }
}

function setUp() {
  const log = new Lines();
  const asked: { config: RawConfig; answer: PromiseWithResolvers<void> }[] = [];
  const next = { wait: Promise.withResolvers<void>() };
  let version = 0;
  const reloads = new Reloads({
    collector: {
      async reload(config) {
        const answer = Promise.withResolvers<void>();
        asked.push({ config: config as RawConfig, answer });
        next.wait.resolve();
        await answer.promise;
        return { kept: [], started: [], stopped: [] };
      },
    },
    read: () => ({ version: version++ }),
    logger: () => log,
    done: () => log.info("done"),
  });
  /** Resolves when the collector is asked for another reload. */
  const untilAsked = async (): Promise<void> => {
    await next.wait.promise;
    next.wait = Promise.withResolvers();
  };
  return { log, asked, reloads, untilAsked };
}

test("who asks during a reload is answered by one more after it, with what the files say then", async () => {
  const { log, asked, reloads, untilAsked } = setUp();
  reloads.ask("SIGHUP received");
  await untilAsked();
  for (let n = 0; n < 3; n++) reloads.ask("SIGHUP received");
  asked[0]!.answer.resolve();
  await untilAsked();
  asked[1]!.answer.reject(new Error("exporters::mem: unknown key"));
  await asked[1]!.answer.promise.catch(() => {});
  await new Promise(setImmediate);
  assert.deepEqual(
    asked.map(({ config }) => config),
    [{ version: 0 }, { version: 1 }],
  );
  const under = "info: SIGHUP received: a reload is under way, the configuration is read once more after it";
  assert.deepEqual(log.lines, [
    "info: SIGHUP received: reloading the configuration",
    under,
    under,
    under,
    "info: done",
    "error: Configuration not reloaded, the one before goes on: exporters::mem: unknown key",
  ]);
});

test("nothing is reloaded once the collector shuts down, not even what was asked for before", async () => {
  const { log, asked, reloads, untilAsked } = setUp();
  reloads.ask("SIGHUP received");
  await untilAsked();
  reloads.ask("SIGHUP received");
  reloads.end();
  asked[0]!.answer.resolve();
  await new Promise(setImmediate);
  reloads.ask("SIGHUP received");
  assert.equal(asked.length, 1);
  assert.equal(log.lines.at(-1), "info: SIGHUP received: the collector is shutting down, nothing is reloaded");
});
