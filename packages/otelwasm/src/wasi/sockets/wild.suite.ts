/** Pointers and sizes that are not the guest's, in every function of the extension and in both of its versions: a trap that says which. Values that are wrong: an errno. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { GuestFactory } from "./tcp.suite.ts";
import { type SocketGuest, Type } from "./testing/guest.ts";
import { At, addressOf, iovec } from "./testing/memory.ts";
import type { Version } from "./testing/module.ts";

/** `size`: of what the parameter before it points to. */
interface Parameter {
  readonly kind: "value" | "fd" | "pointer" | "size";
  /** One that is no mistake. */
  readonly valid: number;
}

/** Of 16 MiB: `socketModule`. */
const END = 2 ** 24;
/** A TCP socket that does nothing yet. */
const FD = 3;

const value = (valid: number): Parameter => ({ kind: "value", valid });
const pointer = (valid: number): Parameter => ({ kind: "pointer", valid });
const size = (valid: number): Parameter => ({ kind: "size", valid });
const fd: Parameter = { kind: "fd", valid: FD };
const address = pointer(At.address);
const list = [pointer(At.iovec), size(1)];
const text = [pointer(At.data), size(4)];
const [result, kind, port, count] = [pointer(At.result), pointer(At.kind), pointer(At.port), pointer(At.size)];

const SAME: Readonly<Record<string, readonly Parameter[]>> = {
  sock_open: [value(1), value(Type.stream), result],
  sock_bind: [fd, address, value(0)],
  sock_connect: [fd, address, value(1)],
  sock_listen: [fd, value(1)],
  sock_recv: [fd, ...list, value(0), count, kind],
  sock_recv_from: [fd, ...list, address, value(0), port, count, kind],
  sock_send: [fd, ...list, value(0), count],
  sock_send_to: [fd, ...list, address, value(1), value(0), count],
  sock_shutdown: [fd, value(3)],
  // The length itself, or where it stands.
  sock_getsockopt: [fd, value(0), value(1), result, pointer(4)],
  sock_setsockopt: [fd, value(0), value(0), result, size(4)],
  sock_getaddrinfo: [...text, ...text, result, result, value(10), count],
};
const OF_VERSION: Readonly<Record<Version, Readonly<Record<string, readonly Parameter[]>>>> = {
  1: {
    sock_accept: [fd, result],
    sock_getlocaladdr: [fd, address, kind, port],
    sock_getpeeraddr: [fd, address, kind, port],
  },
  2: {
    sock_accept: [fd, value(0), result],
    sock_getlocaladdr: [fd, address, port],
    sock_getpeeraddr: [fd, address, port],
  },
};

const GRANTED = { network: { listen: ["127.0.0.1:0"], connect: ["127.0.0.1:1"] } };

const WILD: Readonly<Record<Parameter["kind"], readonly number[]>> = {
  pointer: [END, END + 1, -1, -8, 0x7fff_ffff, -0x8000_0000],
  size: [-1, -0x8000_0000, END],
  value: [],
  fd: [],
};

/** What every call finds: an address, a list of one buffer, a text. */
const PREPARED = [...addressOf("127.0.0.1"), iovec(16), { at: At.data, bytes: Buffer.from("name") }];

/** @returns the errno, or why it trapped */
async function outcome(guest: SocketGuest, name: string, params: readonly number[]): Promise<number | string> {
  const answer = await guest.step({ name, params, writes: PREPARED });
  return "trap" in answer ? answer.trap : answer.result;
}

/** Sockets that never make their guest wait: as it comes, one that listens, one that is being connected, one for datagrams. */
async function sockets(guest: SocketGuest): Promise<number[]> {
  const fds = [await guest.open(Type.stream, 1, true), (await guest.server("127.0.0.1", 0, true)).fd];
  const connecting = await guest.open(Type.stream, 1, true);
  await guest.connect(connecting, { host: "127.0.0.1", port: 1 });
  const datagrams = await guest.open(Type.datagram, 1, true);
  assert.equal(await guest.bind(datagrams, "127.0.0.1", 0), 0);
  return [...fds, connecting, datagrams];
}

/** Wild input on every engine. */
export function wildSuite(start: GuestFactory): void {
  for (const version of [1, 2] as const) {
    const functions = Object.entries({ ...SAME, ...OF_VERSION[version] });

    test(`version ${version}: each pointer and size that is wild, with a descriptor and without`, async () => {
      await using guest = await start({ ...GRANTED, version });
      assert.equal(await guest.open(Type.stream, 1, true), FD);
      for (const [name, parameters] of functions) {
        const valid = parameters.map((parameter) => parameter.valid);
        assert.equal(typeof (await outcome(guest, name, valid)), "number", name);
        const closed = parameters.map((parameter) => (parameter.kind === "fd" ? 1000 : parameter.valid));
        for (const [i, parameter] of parameters.entries())
          for (const wild of WILD[parameter.kind])
            for (const params of [valid, closed]) {
              const trap = await outcome(guest, name, params.with(i, wild));
              const expected = new RegExp(
                `: ${name}: \\d+ bytes at pointer \\d+ are outside the memory of ${END} bytes$`,
              );
              assert.match(String(trap), expected, `${name}, parameter ${i} is ${wild}: ${trap}`);
            }
      }
    });

    test(`version ${version}: an address whose bytes are outside`, async () => {
      await using guest = await start({ ...GRANTED, version });
      await guest.open(Type.datagram, 1, true);
      const wild = Buffer.alloc(8);
      wild.writeUInt32LE(END - 2, 0);
      wild.writeUInt32LE(4, 4);
      for (const [name, parameters] of functions)
        if (parameters.includes(address)) {
          const params = parameters.map((parameter) => parameter.valid);
          const answer = await guest.step({ name, params, writes: [...PREPARED, { at: At.address, bytes: wild }] });
          assert.ok("trap" in answer, name);
          assert.match(answer.trap, new RegExp(`${name}: 4 bytes at pointer ${END - 2} are outside`));
        }
    });

    test(`version ${version}: whatever the parameters, a number or a trap, and the next call works`, async () => {
      await using guest = await start({ ...GRANTED, version });
      const fds = fc.constantFrom(...(await sockets(guest)), 0, 1, 1000, -1);
      // Those that overlap included.
      const places = [0, 1, 4, ...Object.values(At), At.iovec + 4, At.address + 4];
      const any = fc.oneof(
        fc.constantFrom(...places, END - 1, END, -1, 0x7fff_ffff, -0x8000_0000),
        fc.integer({ min: 0, max: 64 }),
        fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff }),
      );
      const calls = fc
        .constantFrom(...functions)
        .chain(([name, parameters]) =>
          fc.tuple(fc.constant(name), fc.tuple(...parameters.map((each) => (each.kind === "fd" ? fds : any)))),
        );
      await fc.assert(
        fc.asyncProperty(calls, async ([name, params]) => {
          const got = await outcome(guest, name, params);
          if (typeof got === "number") assert.ok(got >= 0 && got <= 76, `${name}: ${got}`);
          else assert.match(got, new RegExp(`: ${name}: \\d+ bytes at pointer \\d+ are outside the memory`));
        }),
        { numRuns: 2000 },
      );
      assert.equal((await guest.poll([], 0)).length, 1);
    });
  }
}
