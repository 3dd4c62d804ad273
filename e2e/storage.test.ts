/** A sending queue in a store: what a client was told to be safe is, whatever becomes of the process, of the destination, of the disk. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { closeSync, mkdirSync, mkdtempSync, openSync, readdirSync, rmSync, statSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { callGrpc, postHttp, type Target } from "./clients.ts";
import { OUTPUTS, type Output, startCollector, throughConfig } from "./collector.ts";
import { type Program, runOtelwasm } from "./process.ts";
import { idsIn, Requests } from "./requests.ts";
import { type Answer, accept, gate, type Sink, startSink } from "./sink.ts";

const SIGNAL = "logs";
const requests = new Requests(SIGNAL);
const busy: Answer = { kind: "fail", code: 14, httpStatus: 503, message: "busy" };

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "otelwasm-queue-"));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

function stored(output: Output, sink: Target, directory: string, queue: object = {}, retry: object = {}): object {
  return {
    ...throughConfig(
      output,
      sink,
      {},
      {
        signals: [SIGNAL],
        exporter: {
          sending_queue: { storage: "file_storage", queue_size: 100_000, ...queue },
          retry_on_failure: { initial_interval: "20ms", max_interval: "50ms", max_elapsed_time: 0, ...retry },
        },
      },
    ),
    extensions: { file_storage: { directory } },
    service: {
      extensions: ["file_storage"],
      pipelines: { [SIGNAL]: { receivers: ["otlp"], processors: [], exporters: [output] } },
    },
  };
}

async function listening(program: Program): Promise<Target> {
  const [, grpcUrl] = await program.waitFor(/Listening for grpc on (http:\/\/\S+)/);
  const [, httpUrl] = await program.waitFor(/Listening for http on (http:\/\/\S+)/);
  assert.ok(grpcUrl !== undefined && httpUrl !== undefined);
  return { grpcUrl, httpUrl };
}

/** Sends requests by both protocols, several at a time, until the collector is gone, or there were so many. @returns those that were acknowledged */
async function send(
  target: Target,
  first: number,
  count: number,
  heard: (n: number) => void = () => {},
): Promise<Set<number>> {
  const acknowledged = new Set<number>();
  let next = first;
  const client = async (one: (bytes: Uint8Array) => Promise<boolean>) => {
    while (next < first + count) {
      const n = next++;
      if (!(await one(requests.attempt(n, 0).bytes).catch(() => false))) continue;
      acknowledged.add(n);
      heard(acknowledged.size);
    }
  };
  const grpc = async (bytes: Uint8Array) => (await callGrpc(target, SIGNAL, bytes)).code === 0;
  const http = async (bytes: Uint8Array) => (await postHttp(target, SIGNAL, bytes)).status === 200;
  await Promise.all([grpc, grpc, http, http, http, http].map(client));
  return acknowledged;
}

/** How often each request came whole. */
function received(sink: Sink): Map<number, number> {
  const counts = new Map<number, number>();
  for (const { message } of sink.requests) {
    const ids = idsIn(SIGNAL, message);
    assert.ok(ids.length > 0 && ids.every((id) => id !== undefined && id.request === ids[0]?.request));
    const n = ids[0]?.request ?? -1;
    counts.set(n, (counts.get(n) ?? 0) + 1);
  }
  return counts;
}

async function arrived(sink: Sink, expected: ReadonlySet<number>): Promise<Map<number, number>> {
  for (let count = expected.size; ; count++) {
    await sink.waitForRequests(count);
    const counts = received(sink);
    if ([...expected].every((n) => counts.has(n))) return counts;
    count = Math.max(count, sink.requests.length);
  }
}

for (const output of OUTPUTS)
  describe(`${output} with file_storage`, () => {
    test("a destination that is down, kill -9 under load, several times: all that was acknowledged arrives", async (t) => {
      const directory = folder(t);
      const gone = await startSink();
      await gone.close();
      const acknowledged = new Set<number>();
      for (let round = 0; round < 3; round++) {
        await using program = runOtelwasm(stored(output, gone, directory));
        const target = await listening(program);
        const until = 20 + Math.floor(Math.random() * 60);
        for (const n of await send(target, round * 1000, 200, (count) => {
          if (count === until) program.child.kill("SIGKILL");
        }))
          acknowledged.add(n);
        assert.equal(await program.exit, "SIGKILL");
      }
      await using sink = await startSink(gone);
      await using program = runOtelwasm(stored(output, sink, directory));
      await program.waitFor(/The sending queue has what an earlier process left/);
      await arrived(sink, acknowledged);
      program.child.kill("SIGTERM");
      assert.equal(await program.exit, 0, program.output);
      // Nothing had been delivered before, so that nothing comes twice.
      for (const [n, times] of received(sink)) assert.equal(times, 1, `request ${n}`);
      // Delivered is deleted: a next process has nothing to send.
      sink.clear();
      await using last = runOtelwasm(stored(output, sink, directory));
      await listening(last);
      last.child.kill("SIGTERM");
      assert.equal(await last.exit, 0);
      assert.equal(sink.requests.length, 0);
    });

    test("kill -9 while it delivers: nothing is lost, and twice comes only what was being sent or deleted", async (t) => {
      const directory = folder(t);
      await using sink = await startSink();
      const acknowledged = new Set<number>();
      const killed = 3;
      for (let round = 0; round < killed; round++) {
        await using program = runOtelwasm(stored(output, sink, directory));
        const target = await listening(program);
        const until = 20 + Math.floor(Math.random() * 60);
        for (const n of await send(target, round * 1000, 200, (count) => {
          if (count === until) program.child.kill("SIGKILL");
        }))
          acknowledged.add(n);
        assert.equal(await program.exit, "SIGKILL");
      }
      await using program = runOtelwasm(stored(output, sink, directory));
      await listening(program);
      const counts = await arrived(sink, acknowledged);
      program.child.kill("SIGTERM");
      assert.equal(await program.exit, 0, program.output);
      const twice = [...counts.values()].reduce((sum, times) => sum + times - 1, 0);
      t.diagnostic(
        `${acknowledged.size} acknowledged, ${counts.size} arrived, ${twice} more than once, ${killed} times killed`,
      );
    });

    test("a shutdown while the destination is down keeps what is queued, the next process delivers it", async (t) => {
      const directory = folder(t);
      const gone = await startSink();
      await gone.close();
      // Its attempts come to an end, and the data stays all the same.
      const config = stored(output, gone, directory, {}, { max_elapsed_time: "60ms" });
      const first = await startCollector(config);
      const acknowledged = await send(first, 0, 50);
      assert.equal(acknowledged.size, 50);
      await first.shutdown();
      await using sink = await startSink(gone);
      await using second = await startCollector(config);
      await arrived(sink, acknowledged);
      assert.equal(sink.requests.length, 50);
      await second.shutdown();
    });

    test("a collector that takes another's place in the same process goes on with its queue", async (t) => {
      const directory = folder(t);
      await using sink = await startSink();
      sink.respond = () => busy;
      const config = stored(output, sink, directory);
      const old = await startCollector(config);
      const acknowledged = await send(old, 0, 30);
      assert.equal(acknowledged.size, 30);
      // The new one has started before the old one stops: what it is sent meanwhile waits until it may write.
      await using replacing = await startCollector(config);
      const sending = send(replacing, 1000, 30);
      await old.shutdown();
      for (const n of await sending) acknowledged.add(n);
      assert.equal(acknowledged.size, 60);
      sink.clear();
      const counts = await arrived(sink, acknowledged);
      assert.equal(counts.size, 60);
      await replacing.shutdown();
    });

    test("reloads under load, each with another exporter or another store's settings: nothing is lost, nothing comes twice", async (t) => {
      const directory = folder(t);
      await using sink = await startSink();
      const configOf = (round: number) => {
        const config = stored(output, sink, directory, { num_consumers: 1 + (round % 3) });
        return { ...config, extensions: { file_storage: { directory, max_size: round < 3 ? 0 : round * 10_000_000 } } };
      };
      await using running = await startCollector(configOf(0));
      const sending = send(running, 0, 300);
      for (let round = 1; round <= 5; round++) {
        await running.collector.reload(configOf(round));
        await sink.waitForRequests(round * 20);
      }
      const acknowledged = await sending;
      assert.equal(acknowledged.size, 300);
      await arrived(sink, acknowledged);
      await running.shutdown();
      assert.equal(sink.requests.length, 300);
    });

    test("what the destination refuses for good is not kept, and stops nothing", async (t) => {
      const directory = folder(t);
      await using sink = await startSink();
      sink.respond = ({ message }) =>
        (idsIn(SIGNAL, message)[0]?.request ?? 0) % 2 === 0
          ? { kind: "fail", code: 3, httpStatus: 400, message: "bad" }
          : accept;
      const first = await startCollector(stored(output, sink, directory));
      assert.equal((await send(first, 0, 20)).size, 20);
      await sink.waitForRequests(20);
      await first.shutdown();
      sink.clear();
      await using second = await startCollector(stored(output, sink, directory));
      assert.equal((await send(second, 100, 1)).size, 1);
      await sink.waitForRequests(1);
      assert.deepEqual([...received(sink).keys()], [100]);
    });
  });

test("a second process with the same directory does not start, and says which has it", async (t) => {
  const directory = folder(t);
  await using sink = await startSink();
  await using first = runOtelwasm(stored("otlp_http", sink, directory));
  await listening(first);
  await using second = runOtelwasm(stored("otlp_http", sink, directory));
  assert.equal(await second.exit, 1, second.output);
  assert.ok(
    second.output.includes(
      `${directory} is in use by another process, probably the one with the id ${first.child.pid}`,
    ),
    second.output,
  );
  // The first one has not noticed.
  assert.equal((await send(await listening(first), 0, 5)).size, 5);
  await sink.waitForRequests(5);
});

test("a store that is damaged while nothing runs: what can be read is delivered, the rest is told of", async (t) => {
  const directory = folder(t);
  const gone = await startSink();
  await gone.close();
  const config = stored("otlp_http", gone, directory);
  const first = await startCollector(config);
  assert.equal((await send(first, 0, 60)).size, 60);
  await first.shutdown();
  const path = join(directory, "otelwasm.db");
  const file = openSync(path, "r+");
  for (let at = 5 * 4096; at < statSync(path).size; at += 16 * 4096) writeSync(file, Buffer.alloc(64, 0xa5), 0, 64, at);
  closeSync(file);
  await using sink = await startSink(gone);
  await using second = runOtelwasm(config);
  const [, recovered, lost] = await second.waitFor(/was damaged .*"recovered":\s*(\d+),\s*"lost":\s*(\d+)/);
  assert.ok(Number(recovered) > 0 && Number(recovered) + Number(lost) <= 60);
  await sink.waitForRequests(Number(recovered));
  assert.equal(received(sink).size, Number(recovered));
});

test("the backlog's room on the disk is given back when it was delivered", async (t) => {
  const directory = folder(t);
  await using sink = await startSink();
  sink.respond = () => busy;
  const held = gate();
  await using collector = await startCollector(stored("otlp_http", sink, directory));
  const large = new Requests(SIGNAL).attempt(0, 0).bytes;
  // A field that nobody knows, as a later version of the protocol might have.
  const padded = Buffer.concat([large, Buffer.from([0xfa, 0x07, 0x80, 0x89, 0x7a]), Buffer.alloc(2_000_000, 7)]);
  for (let n = 0; n < 20; n++) assert.equal((await postHttp(collector, SIGNAL, padded)).status, 200);
  const size = () =>
    readdirSync(directory)
      .filter((file) => file.startsWith("otelwasm.db"))
      .reduce((sum, file) => sum + (statSync(join(directory, file), { throwIfNoEntry: false })?.size ?? 0), 0);
  assert.ok(size() > 40_000_000);
  sink.respond = () => held.answer;
  held.open();
  while (size() > 6_000_000) await turn();
});

test("a disk without room is an error that clients may try again, and loses nothing", async (t) => {
  const directory = join(mkdtempSync(join(tmpdir(), "otelwasm-disk-")), "disk");
  mkdirSync(directory);
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=32m", "tmpfs", directory]);
  if (mounted.status !== 0) return t.skip(`needs mount: a small disk cannot be mounted: ${mounted.stderr}`);
  t.after(() => {
    spawnSync("umount", [directory]);
    rmSync(join(directory, ".."), { recursive: true, force: true });
  });
  await using sink = await startSink();
  sink.respond = () => busy;
  const collector = await startCollector(stored("otlp_http", sink, directory));
  const large = new Requests(SIGNAL).attempt(0, 0).bytes;
  const padded = Buffer.concat([large, Buffer.from([0xfa, 0x07, 0xc0, 0x84, 0x3d]), Buffer.alloc(1_000_000, 7)]);
  let kept = 0;
  for (;;) {
    const answer = await postHttp(collector, SIGNAL, padded);
    if (answer.status !== 200) {
      assert.equal(answer.status, 503);
      assert.match(answer.body.toString("latin1"), /sending queue is full: no room on the disk/);
      break;
    }
    kept++;
  }
  assert.ok(kept > 5, `${kept}`);
  sink.clear();
  await sink.waitForRequests(kept);
  // There is room again.
  for (;;) {
    if ((await postHttp(collector, SIGNAL, padded)).status === 200) break;
    await turn();
  }
  await sink.waitForRequests(kept + 1);
  await collector.shutdown();
  assert.equal(sink.requests.length, kept + 1);
});
