/** Pointers and sizes that are not the guest's: a trap that says which, whatever the function. Values that are wrong: an errno. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Memory, Value } from "../../runtime/contract.ts";
import { WasmError } from "../../runtime/errors.ts";
import { randomFunctions } from "../random.ts";
import { type Subject, sandbox } from "./bench.ts";
import { errnoOf, type WasiGuest } from "./guest.ts";
import { BUFFER, LIST, PATH, RESULT, SIGNATURES } from "./signatures.ts";

const ARGS = ["program"];
const ENV = { NAME: "value" };

/** What a valid call finds: a list of one buffer, a path, nothing to wait for. */
function prepare({ memory }: WasiGuest): void {
  memory.bytes().fill(0, 0, 4096);
  memory.view().setUint32(LIST, BUFFER, true);
  memory.view().setUint32(LIST + 4, 16, true);
  memory.write(BUFFER, new TextEncoder().encode(PATH));
}

function outcome(call: () => unknown): unknown {
  try {
    return call();
  } catch (error) {
    return error;
  }
}

function assertTrap(name: string, error: unknown, what: string): void {
  assert.ok(error instanceof WasmError, `${what}: ${String(error)}`);
  assert.equal(error.code, "host", what);
  assert.match(
    error.message,
    new RegExp(`^a host function trapped: ${name}: \\d+ bytes at pointer \\d+ are outside the memory of \\d+ bytes$`),
  );
}

export function wildTests(subject: () => Subject): void {
  for (const [name, parameters] of Object.entries(SIGNATURES)) {
    if (parameters.length === 0) continue;
    test(`${name}: each pointer and size that is wild`, async () => {
      await using box = await sandbox(subject(), { args: ARGS, env: ENV });
      const { guest } = box;
      const end = guest.memory.byteLength;
      const valid = parameters.map((parameter) => parameter.valid);
      prepare(guest);
      assert.equal(typeof outcome(() => guest.raw(name, ...valid)), "number", "a valid call");
      // With a descriptor that there is not, too: the pointer comes first.
      const closed = parameters.map(({ kind, valid }) => (kind === "fd" ? 99 : valid));
      parameters.forEach(({ kind }, i) => {
        const wild =
          kind === "pointer"
            ? [end, end + 1, -1, -8, 0x7fff_ffff, -0x8000_0000]
            : kind === "size"
              ? [-1, -0x8000_0000, end]
              : [];
        for (const params of [valid, closed])
          for (const value of wild) {
            prepare(guest);
            assertTrap(
              name,
              outcome(() => guest.raw(name, ...params.with(i, value))),
              `parameter ${i} is ${value}`,
            );
          }
      });
      guest.call("sched_yield");
    });
  }

  test("buffers of a list: outside, of 4 GiB, some good and one not", async () => {
    await using box = await sandbox(subject());
    const { guest } = box;
    const fd = guest.create(3, "a", "content");
    const end = guest.memory.byteLength;
    for (const name of ["fd_read", "fd_write"])
      for (const wild of [
        [BUFFER, -1],
        [-1, 1],
        [-1, -1],
        [end, 1],
        [end - 1, 2],
        [0, end + 1],
      ] as const)
        for (const list of [[wild], [[BUFFER, 1] as const, wild], [wild, [BUFFER, 1] as const]])
          assertTrap(
            name,
            outcome(() => guest.raw(name, fd, ...guest.list(list), RESULT)),
            `${name} ${list.join()}`,
          );
    assert.equal(guest.pread(fd, 0n), "content");
    // The whole memory, a thousand times over, is no more than the file has.
    guest.seek(fd, 0n, 0);
    for (let i = 0; i < 1024; i++) {
      guest.memory.view().setUint32(65_536 + i * 8, 100_000, true);
      guest.memory.view().setUint32(65_536 + i * 8 + 4, end - 100_000, true);
    }
    guest.call("fd_read", fd, 65_536, 1024, RESULT);
    assert.equal(guest.u32(), 7);
  });

  test("whatever the parameters: a number or a trap, and the next call works", async () => {
    await using box = await sandbox(subject(), { args: ARGS, env: ENV });
    const { guest } = box;
    const end = guest.memory.byteLength;
    const i32 = fc.oneof(
      fc.constantFrom(0, 1, 3, 4, RESULT, BUFFER, LIST, end - 1, end, -1, 0x7fff_ffff, -0x8000_0000),
      fc.integer({ min: 0, max: 64 }),
      fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff }),
    );
    const i64 = fc.oneof(
      fc.constantFrom(0n, 1n, -1n, 2n ** 53n, 2n ** 63n - 1n),
      fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n),
    );
    // A wait that nobody ends is no failure of the function.
    const names = Object.keys(SIGNATURES).filter((name) => name !== "poll_oneoff");
    const calls = fc
      .constantFrom(...names)
      .chain((name) =>
        fc.tuple(
          fc.constant(name),
          fc.tuple(...(SIGNATURES[name] ?? []).map(({ type }): fc.Arbitrary<Value> => (type === "i64" ? i64 : i32))),
        ),
      );
    fc.assert(
      fc.property(calls, ([name, params]) => {
        prepare(guest);
        const result = outcome(() => guest.raw(name, ...params));
        if (result instanceof WasmError) assert.equal(result.code, "host");
        else assert.ok(typeof result === "number" && result >= 0 && result <= 76, `${name}: ${String(result)}`);
        guest.call("sched_yield");
      }),
      { numRuns: 3000 },
    );
    assert.equal(
      errnoOf(() => guest.call("fd_close", 99)),
      "badf",
    );
  });

  test("random_get of almost 4 GiB is filled in pieces", () => {
    const size = 2 ** 32 - 1;
    const piece = new Uint8Array(2 ** 20);
    let filled = 0;
    const memory: Memory = {
      byteLength: size,
      bytes: () => assert.fail("the whole memory"),
      view: () => assert.fail("a view of the whole memory"),
      write: () => assert.fail("a write"),
      read(offset, length) {
        assert.equal(offset, filled);
        filled += length;
        // The bytes themselves are for another test: here is none that has so many.
        return piece.subarray(0, Math.min(length, 16));
      },
    };
    const [random] = randomFunctions();
    assert.equal(random?.function(memory, 0, -1), 0);
    assert.equal(filled, size);
  });
}
