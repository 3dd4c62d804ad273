import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { stuckPage } from "./watchdog/stuck.ts";

const CHILD = fileURLToPath(new URL("testing/blocked.ts", import.meta.url));
/** Long enough for a few questions on a busy machine. */
const BLOCKED_MS = 4_000;

describe("the watchdog of the health check", () => {
  test("answers while the event loop is stuck, says so, and sees it turn again; it keeps no process alive", async () => {
    const child = fork(CHILD, { execArgv: ["--conditions=otelwasm-source"] });
    const exit = once(child, "exit");
    try {
      const [url] = (await once(child, "message")) as [string];
      const ask = async () => {
        const answer = await fetch(url, { headers: { connection: "close" } });
        return {
          code: answer.status,
          ...((await answer.json()) as { watchdog: { status: string; error?: string }; pipelines: object }),
        };
      };
      const healthy = await ask();
      assert.deepEqual([healthy.code, healthy.watchdog], [200, { status: "OK" }]);
      child.send(BLOCKED_MS);
      let stuck = await ask();
      // The child may not have heard of it.
      while (stuck.code === 200) stuck = await ask();
      assert.equal(stuck.code, 503);
      assert.equal(stuck.watchdog.status, "RecoverableError");
      assert.match(
        stuck.watchdog.error ?? "",
        /^the event loop has not turned for .*, and may not take longer than 300ms$/,
      );
      assert.deepEqual(stuck.pipelines, healthy.pipelines, "what it has said of itself before");
      let again = await ask();
      while (again.code === 503) again = await ask();
      assert.deepEqual([again.code, again.watchdog], [200, { status: "OK" }]);
      child.send(0);
      assert.deepEqual(await exit, [0, null]);
    } finally {
      child.kill("SIGKILL");
    }
  });

  test("says only what is configured where a text stands in place of the JSON", () => {
    const serving = { path: "/", limitMs: 5_000, unhealthy: "no" };
    assert.deepEqual(stuckPage(serving, 6_000, undefined), {
      status: 503,
      contentType: "text/plain; charset=utf-8",
      body: "no",
    });
    const page = stuckPage({ ...serving, unhealthy: undefined }, 65_432.1, undefined);
    assert.deepEqual(JSON.parse(page.body), {
      status: "Server not available",
      watchdog: {
        status: "RecoverableError",
        error: "the event loop has not turned for 1m5.432s, and may not take longer than 5s",
      },
    });
  });
});
