/**
 * What sockets cost a guest.
 *
 * 1. Calls that need no other thread, against the one that does least (`sock_getsockopt` of a type).
 * 2. A message to a guest that waits for it, and its answer back, against the same to a thread of Node's own sockets.
 * 3. Bytes through a guest's socket, against the same.
 *
 * Peers are `node:net` on this thread; the guest and Node's sockets have a thread each. `node benchmarks/sockets.ts` prints the table.
 */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { Worker } from "node:worker_threads";
import { SocketGuest, Type } from "../packages/otelwasm/src/wasi/sockets/testing/guest.ts";
import { socketModule } from "../packages/otelwasm/src/wasi/sockets/testing/module.ts";

const ROUNDS = 7;
const WARM_UP = 2;
const PIECE = 65_536;
const TOTAL = 256 * 1024 * 1024;
const MESSAGES = 3000;

/** At 512 an iovec of a buffer of 64 KiB at 1 MiB, at 2048 a subscription; `$fd` blocks. */
const LOOPS = `
  (data (i32.const 512) "\\00\\00\\10\\00\\00\\00\\01\\00")
  (func $receive (param $fd i32) (result i32)
    (if (call $sock_recv (local.get $fd) (i32.const 512) (i32.const 1) (i32.const 0) (i32.const 600) (i32.const 604)) (then unreachable))
    (i32.load (i32.const 600)))
  (func (export "sink") (param $fd i32) (result i32)
    (loop $more (br_if $more (call $receive (local.get $fd))))
    (i32.const 0))
  (func (export "pour") (param $fd i32) (param $bytes i32) (result i32)
    (loop $more
      (if (call $sock_send (local.get $fd) (i32.const 512) (i32.const 1) (i32.const 0) (i32.const 600)) (then unreachable))
      (local.set $bytes (i32.sub (local.get $bytes) (i32.load (i32.const 600))))
      (br_if $more (i32.gt_s (local.get $bytes) (i32.const 0))))
    (i32.const 0))
  (func $wait (param $fd i32)
    (i32.store8 (i32.const 2056) (i32.const 1))
    (i32.store (i32.const 2064) (local.get $fd))
    (if (call $poll_oneoff (i32.const 2048) (i32.const 3072) (i32.const 1) (i32.const 600)) (then unreachable)))
  (func (export "echo") (param $fd i32) (param $polls i32) (result i32) (local $size i32)
    (loop $more
      (if (local.get $polls) (then (call $wait (local.get $fd))))
      (local.set $size (call $receive (local.get $fd)))
      (if (local.get $size) (then
        (i32.store (i32.const 520) (i32.const 0x100000))
        (i32.store (i32.const 524) (local.get $size))
        (if (call $sock_send (local.get $fd) (i32.const 520) (i32.const 1) (i32.const 0) (i32.const 600)) (then unreachable))
        (br $more))))
    (i32.const 0))`;

/** The same with `node:net` on a thread of its own: what is asked for is the mode of the next connection. */
const NODE = `
  const { createServer } = require("node:net");
  const { parentPort } = require("node:worker_threads");
  const piece = Buffer.alloc(${PIECE});
  let mode;
  parentPort.on("message", (next) => { mode = next; parentPort.postMessage("ready"); });
  createServer({ noDelay: true }, (socket) => {
    socket.on("error", () => {});
    if (mode === "echo") socket.on("data", (data) => socket.write(data));
    else if (mode === "sink") { socket.resume(); socket.on("end", () => parentPort.postMessage("done")); }
    else {
      let left = ${TOTAL};
      const more = () => {
        while (left > 0) { left -= piece.length; if (!socket.write(piece)) return void socket.once("drain", more); }
        socket.end();
      };
      more();
    }
  }).listen(0, "127.0.0.1", function () { parentPort.postMessage(this.address().port); });`;

/** One side of the comparison. Each gives a connected peer, and what resolves when the other side is done. */
interface Side {
  connect(
    mode: "echo" | "echo, polling" | "sink" | "pour",
  ): Promise<{ readonly peer: Socket; readonly done: Promise<unknown> }>;
}

async function dial(port: number): Promise<Socket> {
  const peer = connect({ host: "127.0.0.1", port, noDelay: true });
  await once(peer, "connect");
  return peer;
}

async function guestSide(): Promise<{ readonly side: Side; readonly guest: SocketGuest }> {
  const guest = await SocketGuest.start({ binary: socketModule(2, LOOPS), network: { listen: ["127.0.0.1:*"] } });
  const { fd: listener, local } = await guest.server();
  return {
    guest,
    side: {
      connect: async (mode) => {
        const peer = await dial(local.port);
        const fd = await guest.accepted(listener);
        const [name, params] =
          mode === "sink"
            ? ["sink", [fd]]
            : mode === "pour"
              ? ["pour", [fd, TOTAL]]
              : ["echo", [fd, mode === "echo" ? 0 : 1]];
        const done = guest.call(name as string, params as number[]).then(() => guest.closeFd(fd));
        return { peer, done };
      },
    },
  };
}

async function nodeSide(): Promise<{ readonly side: Side; readonly worker: Worker }> {
  const worker = new Worker(NODE, { eval: true });
  const [port] = await once(worker, "message");
  return {
    worker,
    side: {
      connect: async (mode) => {
        worker.postMessage(mode.startsWith("echo") ? "echo" : mode);
        await once(worker, "message");
        const done = mode === "sink" ? once(worker, "message") : Promise.resolve();
        return { peer: await dial(port), done };
      },
    },
  };
}

/** @returns microseconds for a message there and back */
async function roundTrip(side: Side, mode: "echo" | "echo, polling"): Promise<number> {
  const { peer, done } = await side.connect(mode);
  const message = Buffer.alloc(200);
  const began = performance.now();
  await new Promise<void>((resolve) => {
    let left = MESSAGES;
    let got = 0;
    peer.on("data", (data) => {
      got += data.length;
      if (got < message.length) return;
      got = 0;
      if (--left > 0) peer.write(message);
      else resolve();
    });
    peer.write(message);
  });
  const elapsed = performance.now() - began;
  peer.end();
  await done;
  return (elapsed * 1000) / MESSAGES;
}

/** @returns MB/s into the other side */
async function inward(side: Side): Promise<number> {
  const { peer, done } = await side.connect("sink");
  const piece = Buffer.alloc(PIECE);
  const began = performance.now();
  for (let left = TOTAL; left > 0; left -= PIECE) if (!peer.write(piece)) await once(peer, "drain");
  peer.end();
  await done;
  return TOTAL / 1000 / (performance.now() - began);
}

/** @returns MB/s out of the other side */
async function outward(side: Side): Promise<number> {
  const { peer, done } = await side.connect("pour");
  const began = performance.now();
  let size = 0;
  peer.on("data", (data) => {
    size += data.length;
  });
  await once(peer, "end");
  const elapsed = performance.now() - began;
  if (size < TOTAL) throw new Error(`${size} bytes of ${TOTAL}`);
  await done;
  return TOTAL / 1000 / elapsed;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!;
}

/** What it gave, and the processor time of all threads meanwhile, the peer's included, in microseconds. */
async function metered(run: () => Promise<number>): Promise<{ readonly value: number; readonly cpu: number }> {
  const before = process.cpuUsage();
  const value = await run();
  const { user, system } = process.cpuUsage(before);
  return { value, cpu: user + system };
}

async function compare(name: string, unit: string, run: (side: Side) => Promise<number>): Promise<void> {
  const rounds: { readonly mine: number; readonly node: number; readonly cpu: number }[] = [];
  for (let round = 0; round < WARM_UP + ROUNDS; round++) {
    const mine = await metered(() => run(ours.side));
    const node = await metered(() => run(theirs.side));
    // The first are compiled while they run.
    if (round >= WARM_UP) rounds.push({ mine: mine.value, node: node.value, cpu: mine.cpu / node.cpu });
  }
  const of = (value: (round: (typeof rounds)[number]) => number): number => median(rounds.map(value));
  const [mine, node] = [of(({ mine }) => mine), of(({ node }) => node)];
  const ratio = of((round) => round.mine / round.node);
  console.log(
    `| ${name} | ${mine.toFixed(0)} ${unit} | ${node.toFixed(0)} ${unit} | ${ratio.toFixed(2)} | ${of(({ cpu }) => cpu).toFixed(2)} |`,
  );
}

async function calls(guest: SocketGuest): Promise<void> {
  const fd = await guest.open(Type.datagram, 1, true);
  await guest.bind(fd, "127.0.0.1", 0);
  const subscription = Buffer.alloc(48 * 100);
  for (let i = 0; i < 100; i++) {
    subscription[i * 48 + 8] = i === 0 ? 0 : 1;
    subscription.writeUInt32LE(i === 0 ? 1 : fd, i * 48 + 16);
  }
  await guest.call("sock_getsockopt", [fd, 0, 1, 64, 4], { writes: [{ at: 4096, bytes: subscription }] });
  const times = 20_000;
  const things: Readonly<Record<string, readonly [string, readonly number[]]>> = {
    "`sock_getsockopt`, the reference": ["sock_getsockopt", [fd, 0, 1, 64, 4]],
    "`sock_recv_from`, nothing there": ["sock_recv_from", [fd, 512, 1, 64, 0, 64, 64, 64]],
    "`poll_oneoff`, a timer of 0": ["poll_oneoff", [4096, 16_384, 1, 64]],
    "`poll_oneoff`, a timer of 0 and a socket": ["poll_oneoff", [4096, 16_384, 2, 64]],
    "`poll_oneoff`, a timer of 0 and 99 sockets": ["poll_oneoff", [4096, 16_384, 100, 64]],
  };
  const measured: Record<string, number[]> = Object.fromEntries(Object.keys(things).map((name) => [name, []]));
  for (let round = 0; round <= ROUNDS; round++)
    for (const [name, [call, params]] of Object.entries(things)) {
      const answer = await guest.step({ name: call, params, times });
      if ("trap" in answer) throw new Error(answer.trap);
      if (round > 0) measured[name]!.push((answer.milliseconds * 1e6) / times);
    }
  const reference = Object.values(measured)[0]!;
  for (const [name, values] of Object.entries(measured)) {
    const ratio = median(values.map((value, i) => value / reference[i]!));
    console.log(
      `| ${name} | ${median(values).toFixed(0)} ns | ${(1000 / median(values)).toFixed(2)} M/s | ${ratio.toFixed(1)} |`,
    );
  }
}

const ours = await guestSide();
const theirs = await nodeSide();
console.log("| call | time | calls | ratio |\n|---|---|---|---|");
await calls(ours.guest);
console.log(
  "\n| | a guest's socket | Node's own, on a thread | ratio | ratio of processor time |\n|---|---|---|---|---|",
);
await compare("200 bytes there and back, the guest blocks in `sock_recv`", "us", (side) => roundTrip(side, "echo"));
await compare("the same, the guest waits in `poll_oneoff`", "us", (side) => roundTrip(side, "echo, polling"));
await compare("bytes to the guest", "MB/s", inward);
await compare("bytes from the guest", "MB/s", outward);
await ours.guest.terminate();
await theirs.worker.terminate();
