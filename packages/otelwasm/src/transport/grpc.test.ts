import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ConsumerError, StatusCode } from "../component/errors.ts";
import { decodeMessage, encodeMessage, formatTimeout, frame, MessageReader, parseTimeout, prefix } from "./grpc.ts";

const code = (expected: StatusCode) => (error: unknown) => error instanceof ConsumerError && error.code === expected;

test("a message is put together from any cut", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 60 }),
      fc.boolean(),
      fc.boolean(),
      fc.array(fc.nat(70)),
      (message, compressed, adopts, cuts) => {
        const bytes = frame(message, compressed);
        assert.deepEqual(bytes.subarray(0, 5), prefix(message.length, compressed));
        const reader = new MessageReader(60, adopts);
        let at = 0;
        for (const cut of [...cuts.map((each) => Math.min(each, bytes.length)).sort((a, b) => a - b), bytes.length]) {
          reader.push(bytes.subarray(at, cut));
          at = cut;
        }
        assert.deepEqual(reader.finish(), message);
        assert.equal(reader.compressed, compressed);
      },
    ),
  );
});

test("a message is copied out of a buffer that it shares, and only then", () => {
  const message = new Uint8Array(100).fill(7);
  const read = Buffer.concat([Buffer.alloc(20), frame(message, false)]);
  const own = new Uint8Array(read.length);
  own.set(read);
  const take = (chunk: Uint8Array, adopts: boolean): Uint8Array => {
    const reader = new MessageReader(100, adopts);
    reader.push(chunk);
    const taken = reader.finish();
    assert.deepEqual(taken, message);
    return taken;
  };
  assert.equal(take(own.subarray(20), true).buffer, own.buffer);
  assert.notEqual(take(own.subarray(20), false).buffer, own.buffer);
  const followed = new Uint8Array(own.length + 1);
  followed.set(own);
  assert.notEqual(take(followed.subarray(20, own.length), true).buffer, followed.buffer);
  const large = new Uint8Array(1_000);
  large.set(own, 1_000 - own.length);
  assert.notEqual(take(large.subarray(1_000 - message.length - 5), true).buffer, large.buffer);
});

test("what is not one whole message is refused", () => {
  const two = new MessageReader(10, false);
  assert.throws(() => two.push(Buffer.concat([frame(Uint8Array.of(1), false), Uint8Array.of(0)])), code(13));
  assert.throws(() => new MessageReader(10, false).push(prefix(11, false)), code(StatusCode.RESOURCE_EXHAUSTED));
  assert.throws(() => new MessageReader(10, false).push(Uint8Array.of(2, 0, 0, 0, 0)), code(StatusCode.INTERNAL));
  const short = new MessageReader(10, false);
  short.push(frame(Uint8Array.of(1, 2), false).subarray(0, 6));
  assert.throws(() => short.finish(), code(StatusCode.INTERNAL));
  const headless = new MessageReader(10, false);
  headless.push(Uint8Array.of(0, 0));
  assert.throws(() => headless.finish(), code(StatusCode.INTERNAL));
  assert.equal(new MessageReader(10, false).finish(), undefined);
});

test("grpc-message: what is not printable ASCII is percent-encoded", () => {
  assert.equal(encodeMessage("100 % of ü\n"), "100 %25 of %C3%BC%0A");
  assert.equal(decodeMessage("100 %25 of %C3%BC%0A"), "100 % of ü\n");
  assert.equal(decodeMessage("50%, %zz and %2"), "50%, %zz and %2");
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      assert.match(encodeMessage(text), /^[ -~]*$/);
      assert.equal(decodeMessage(encodeMessage(text)), text.toWellFormed());
    }),
  );
});

test("grpc-timeout", () => {
  assert.deepEqual(
    ["1H", "2M", "3S", "4m", "5000u", "6000000n"].map(parseTimeout),
    [3_600_000, 120_000, 3000, 4, 5, 6],
  );
  assert.deepEqual(["", "5", "S", "123456789S", "-1S", "1.5S", "1d"].map(parseTimeout), new Array(7).fill(undefined));
  assert.deepEqual([5000, 0.5, 2 ** 40].map(formatTimeout), ["5000m", "1m", "99999999S"]);
});
