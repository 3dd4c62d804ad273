import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { BodyAssembler } from "./body.ts";

/** As a socket delivers it: a view on a read's buffer, which has other things before and behind. */
function chunk(bytes: Uint8Array, before: number, behind: number): Uint8Array {
  const read = new Uint8Array(before + bytes.length + behind).fill(0xaa);
  read.set(bytes, before);
  return read.subarray(before, before + bytes.length);
}

test("any cut gives the same body, in a buffer that nothing else is in", () => {
  const parts = fc.array(fc.tuple(fc.uint8Array({ maxLength: 40 }), fc.nat(3), fc.nat(1)), { maxLength: 6 });
  fc.assert(
    fc.property(parts, fc.boolean(), (pieces, announced) => {
      const whole = Buffer.concat(pieces.map(([bytes]) => bytes));
      const body = new BodyAssembler(1000, announced ? whole.length : -1);
      const chunks = pieces.map(([bytes, before, behind]) => chunk(bytes, before, behind));
      for (const each of chunks) assert.ok(body.push(each));
      const taken = body.take();
      assert.ok(taken !== undefined);
      assert.deepEqual(Buffer.from(taken), whole);
      for (const each of chunks) {
        const shared: boolean = each.buffer === taken.buffer && each.length > 0;
        assert.ok(!shared || each.byteOffset + each.length === each.buffer.byteLength);
      }
    }),
  );
});

test("a body that one chunk holds is not copied if it is the last thing in the chunk", () => {
  const last = chunk(Uint8Array.of(1, 2, 3), 2, 0);
  const body = new BodyAssembler(10, 3);
  body.push(last);
  assert.equal(body.take()?.buffer, last.buffer);
  const followed = chunk(Uint8Array.of(1, 2, 3), 2, 4);
  const copy = new BodyAssembler(10, 3);
  copy.push(followed);
  assert.notEqual(copy.take()?.buffer, followed.buffer);
});

test("a body in crumbs holds no more memory than a body", () => {
  const read = new Uint8Array(64 * 1024).map((_, i) => i);
  const body = new BodyAssembler(1024 * 1024, -1);
  for (let round = 0; round < 4; round++) {
    for (let i = 0; i < read.length; i++) assert.ok(body.push(read.subarray(i, i + 1)));
  }
  const taken = body.take();
  assert.ok(taken !== undefined);
  assert.deepEqual(Buffer.from(taken), Buffer.concat([read, read, read, read]));
  assert.equal(taken.buffer.byteLength, taken.length);
  assert.equal(body.push(new Uint8Array(1024 * 1024)), false);
});

test("too much, or too little, is noticed", () => {
  const announced = new BodyAssembler(10, 3);
  assert.equal(announced.push(new Uint8Array(4)), false);
  const chunked = new BodyAssembler(3, -1);
  assert.equal(chunked.push(new Uint8Array(3)), true);
  assert.equal(chunked.push(new Uint8Array(1)), false);
  const short = new BodyAssembler(10, 3);
  short.push(new Uint8Array(2));
  assert.equal(short.take(), undefined);
  assert.deepEqual(new BodyAssembler(10, 0).take(), new Uint8Array());
});
