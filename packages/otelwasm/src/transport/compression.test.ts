import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { BodyError, CODINGS, compress, decompress } from "./compression.ts";
import { assertTransferable } from "./testing/support.ts";

const LIMIT = 20 * 1024 * 1024;
const failsAs = (code: string) => (error: unknown) => error instanceof BodyError && error.code === code;
// Async, so that what is thrown and what rejects look the same.
const unpack = async (...args: Parameters<typeof decompress>) => decompress(...args);

/** Bytes that compress badly, so that a large body is large when compressed too. */
function noise(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = 1;
  for (let i = 0; i < length; i++) {
    state = (state * 1103515245 + 12345) & 0x7fffffff;
    bytes[i] = state >> 16;
  }
  return bytes;
}

for (const coding of CODINGS) {
  test(`${coding}: round trip of small and large bodies, exact limit`, async () => {
    for (const length of [0, 1, 5_000, 300_000, 2_000_000]) {
      const bytes = noise(length);
      const packed = await compress(coding, bytes);
      const plain = await unpack(coding, packed, Math.max(1, length));
      assert.deepEqual(plain, bytes);
      assert.equal(Object.getPrototypeOf(plain), Uint8Array.prototype);
      // Not in Node's pool: it can be given away.
      assertTransferable(plain);
      if (length > 1) await assert.rejects(unpack(coding, packed, length - 1), failsAs("too_large"));
    }
  });

  test(`${coding}: a bomb is given up early`, async () => {
    const bomb = await compress(coding, new Uint8Array(200_000_000));
    const before = process.memoryUsage().arrayBuffers;
    await assert.rejects(unpack(coding, bomb, LIMIT), failsAs("too_large"));
    assert.ok(process.memoryUsage().arrayBuffers - before < 3 * LIMIT);
  });

  test(`${coding}: bombs in a crowd are unpacked a few at a time`, async () => {
    const bomb = await compress(coding, new Uint8Array(60_000_000));
    const before = process.memoryUsage().arrayBuffers;
    let most = 0;
    await Promise.all(
      Array.from({ length: 24 }, () =>
        unpack(coding, bomb, LIMIT).then(
          () => assert.fail("unpacked"),
          (error: unknown) => {
            most = Math.max(most, process.memoryUsage().arrayBuffers - before);
            assert.ok(failsAs("too_large")(error));
          },
        ),
      ),
    );
    assert.ok(most < 12 * LIMIT, `${most} bytes at once`);
  });

  test(`${coding}: a small body that becomes a large one is not unpacked where it came in`, async () => {
    const bytes = new Uint8Array(4_000_000);
    const packed = await compress(coding, bytes);
    assert.ok(packed.length < 64 * 1024);
    const plain = decompress(coding, packed, LIMIT);
    assert.ok(plain instanceof Promise);
    assert.deepEqual(await plain, bytes);
  });

  test(`${coding}: truncated and foreign bytes are malformed`, async () => {
    for (const length of [1_000, 400_000]) {
      const packed = await compress(coding, noise(length));
      await assert.rejects(unpack(coding, packed.subarray(0, packed.length - 20), LIMIT), failsAs("malformed"));
      await assert.rejects(unpack(coding, noise(packed.length), LIMIT), failsAs("malformed"));
    }
  });
}

test("gzip: what its end says about the size is not believed", async () => {
  const packed = gzipSync(noise(10_000));
  packed.writeUInt32LE(0xffff_fff0, packed.length - 4);
  await assert.rejects(unpack("gzip", packed, LIMIT), failsAs("malformed"));
  const two = Buffer.concat([gzipSync(noise(9_000)), gzipSync(noise(10))]);
  assert.equal((await unpack("gzip", two, LIMIT)).length, 9_010);
});
