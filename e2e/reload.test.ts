/** Reloads of the command under load: what was acknowledged is at the sink, the health check says 200 all the time, and nothing that the process has open grows. */
import assert from "node:assert/strict";
import { platform } from "node:os";
import { test } from "node:test";
import { playReloads } from "./reload.ts";

const RELOADS = 16;
const LINUX = platform() === "linux" ? false : "what a process has open is read from /proc";

test("reloads under load lose nothing, and leave nothing behind", { skip: LINUX }, async () => {
  const { acknowledged, healthChecks, figures, problems, failed } = await playReloads(RELOADS);
  assert.deepEqual(problems, []);
  assert.ok(acknowledged > 0 && healthChecks > 0 && failed > 0);
  const [warm, ...later] = figures;
  for (const { threads } of later) assert.ok(threads <= warm!.threads + 4, JSON.stringify(figures));
});
