import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { describe, type TestContext, test } from "node:test";
import { bytesOf, folder, keyOf, OWNER, open } from "./testing/leases.ts";

const CHILD = join(import.meta.dirname, "testing/child.ts");
const ROUNDS = 12;

interface Child {
  readonly process: ChildProcess;
  readonly lines: AsyncIterableIterator<string>;
}

function start(t: TestContext, what: string, directory: string): Child {
  const child = spawn(process.execPath, ["--conditions=otelwasm-source", CHILD, what, directory], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.after(() => void child.kill("SIGKILL"));
  const lines = createInterface({ input: child.stdout ?? assert.fail("no output") })[Symbol.asyncIterator]();
  return { process: child, lines };
}

async function line({ lines }: Child): Promise<string> {
  const next = await lines.next();
  return next.done === true ? "" : next.value;
}

describe("a store and the processes that use it", () => {
  test(`what was acknowledged is there after kill -9, ${ROUNDS} times at random moments`, async (t) => {
    const directory = folder(t);
    const there = new Set<number>();
    /** Deletions that nobody had acknowledged: they may have been done, or not. */
    const doubtful = new Set<number>();
    for (let round = 0; round < ROUNDS; round++) {
      const child = start(t, "write", directory);
      assert.equal(await line(child), "open");
      // A number of lines, not of milliseconds: on a slow machine, too, there is something to lose.
      let until = 20 + Math.floor(Math.random() * 400);
      for await (const said of child.lines) {
        const [did, number] = said.split(" ");
        const n = Number(number);
        if (did === "set") there.add(n);
        if (did === "deleting") doubtful.add(n);
        if (did === "deleted") {
          there.delete(n);
          doubtful.delete(n);
        }
        if (--until === 0) child.process.kill("SIGKILL");
      }
    }
    const { store, recoveries } = await open(directory);
    t.after(() => store.end());
    assert.deepEqual(recoveries, []);
    const client = await store.open(OWNER);
    let kept = 0;
    for (const n of there) {
      const value = await client.get(keyOf(n));
      if (value === undefined && doubtful.has(n)) continue;
      assert.deepEqual(value, bytesOf(n, 100 + ((n * 7919) % 20_000)), `entry ${n}`);
      kept++;
    }
    assert.ok(kept > ROUNDS * 10);
    // What is there beyond that was not acknowledged when the process was killed: at most what was being written.
    const listed = (await client.list("", 100_000)).filter(({ key }) => !there.has(Number(key)));
    assert.ok(listed.length <= ROUNDS * 8, `${listed.length} more`);
  });

  test("a second process is refused and told who has the directory; when that was killed, it is free", async (t) => {
    const directory = folder(t);
    const first = start(t, "hold", directory);
    assert.equal(await line(first), "open");
    const second = start(t, "hold", directory);
    const refused = await line(second);
    assert.match(refused, /^refused in_use /);
    assert.ok(refused.includes(directory) && refused.includes(`id ${first.process.pid}`), refused);
    first.process.kill("SIGKILL");
    await once(first.process, "exit");
    const third = start(t, "hold", directory);
    assert.equal(await line(third), "open");
  });

  test("a directory that must not be written to is refused with advice", async (t) => {
    if (process.platform === "win32") return t.skip("permissions are other things there");
    const root = process.getuid?.() === 0;
    if (root && process.platform !== "linux") return t.skip("who is root may write everywhere");
    // There, nobody may make a file.
    const directory = root ? "/sys/kernel" : folder(t);
    if (!root) chmodSync(directory, 0o555);
    const refused = await line(start(t, "hold", directory));
    assert.match(refused, /^refused failed cannot write to .*the collector's user may write to/);
  });

  test("a disk without room refuses what comes, keeps what is there, and has room again after deletions", async (t) => {
    const directory = join(mkdtempSync(join(tmpdir(), "otelwasm-disk-")), "disk");
    mkdirSync(directory);
    const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=40m", "tmpfs", directory]);
    if (mounted.status !== 0)
      return t.skip(`needs mount: a small disk cannot be mounted: ${mounted.stderr ?? mounted.error?.message}`);
    t.after(() => {
      spawnSync("umount", [directory]);
      rmSync(dirname(directory), { recursive: true, force: true });
    });
    const child = start(t, "fill", directory);
    const said: string[] = [];
    for await (const one of child.lines) said.push(one);
    assert.equal(said[0], "open");
    const kept = Number(/^(\d+) kept, then full$/.exec(said[1] ?? "")?.[1]);
    assert.ok(kept > 500, said.join("\n"));
    assert.deepEqual(said.slice(2), [`${kept} listed`, "again 20000"]);
  });
});
