import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { compileGuest } from "./harness.ts";

const guest = await compileGuest();

function expected(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

test("every length around the block boundaries", () => {
  for (let size = 0; size <= 260; size++) {
    const bytes = Uint8Array.from({ length: size }, (_, i) => (i * 31 + size) & 0xff);
    assert.equal(guest.sha256(bytes), expected(bytes), `${size} bytes`);
  }
});

test("any bytes", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2000 }), (bytes) => {
      assert.equal(guest.sha256(bytes), expected(bytes));
    }),
  );
});

test("a mebibyte", () => {
  const bytes = new Uint8Array(1 << 20).fill(0x61);
  assert.equal(guest.sha256(bytes), expected(bytes));
});
