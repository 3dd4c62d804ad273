import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { Writable } from "node:stream";
import { describe, test } from "node:test";
import fc from "fast-check";
import { FrameError, FrameReader, FrameWriter } from "./frames.ts";

type Frame = readonly [kind: number, detail: number, number: number, payload: Uint8Array];

const byte = fc.nat({ max: 255 });
const payload = fc.oneof(
  { weight: 4, arbitrary: fc.uint8Array({ maxLength: 32 }) },
  // About where a payload is written from where it is, and where a block ends.
  { weight: 2, arbitrary: fc.integer({ min: 4090, max: 4100 }).map(counted) },
  { weight: 1, arbitrary: fc.integer({ min: 16_370, max: 16_400 }).map(counted) },
);
const frame: fc.Arbitrary<Frame> = fc.tuple(byte, byte, fc.nat({ max: 65_535 }), payload);

function counted(size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, index) => index & 0xff);
}

/** Its payload short enough to be compared at once. */
function shown([kind, detail, number, payload]: Frame): unknown[] {
  return [kind, detail, number, payload.length, createHash("sha1").update(payload).digest("hex")];
}

/** What a writer writes; after each frame it is flushed or not. */
function written(frames: readonly Frame[], flushes: readonly boolean[]): Buffer {
  const pieces: Buffer[] = [];
  const stream = new Writable({
    write(piece: Buffer, _encoding, done) {
      // A piece may be written to again as soon as it has gone.
      pieces.push(Buffer.from(piece));
      done();
    },
  });
  const writer = new FrameWriter(stream);
  for (const [index, each] of frames.entries()) {
    writer.add(...each);
    if (flushes[index] === true) writer.flush();
  }
  writer.flush();
  return Buffer.concat(pieces);
}

function reading(maxPayload = Number.POSITIVE_INFINITY): { readonly frames: Frame[]; readonly reader: FrameReader } {
  const frames: Frame[] = [];
  return { frames, reader: new FrameReader(maxPayload, (...each) => frames.push(each)) };
}

describe("frames", () => {
  test("arrive as they were sent, however they are flushed and cut", () => {
    const sent = fc.record({
      frames: fc.array(frame, { maxLength: 12 }),
      flushes: fc.array(fc.boolean(), { maxLength: 12 }),
      /** Whether the reader is asked where to read to. */
      direct: fc.boolean(),
      cuts: fc.array(fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 20_000 })), { minLength: 1 }),
    });
    fc.assert(
      fc.property(sent, ({ frames, flushes, cuts, direct }) => {
        const bytes = written(frames, flushes);
        const read = reading();
        for (let at = 0, piece = 0; at < bytes.length; piece++) {
          const size = cuts[piece % cuts.length]!;
          const room = direct ? read.reader.room(100) : undefined;
          const cut = bytes.subarray(at, at + Math.min(size, room?.length ?? size));
          if (room === undefined) {
            read.reader.feed(cut);
          } else {
            room.set(cut);
            read.reader.filled(cut.length);
          }
          at += cut.length;
        }
        assert.deepEqual(read.frames.map(shown), frames.map(shown));
        for (const [, , , payload] of read.frames)
          assert.equal(payload.buffer.byteLength, payload.length, "in a buffer of its own");
      }),
    );
  });

  test("one that says it is larger than any may be is not waited for", () => {
    const bytes = written([[1, 0, 0, counted(101)]], []);
    const { reader, frames } = reading(100);
    assert.throws(
      () => reader.feed(bytes.subarray(0, 9)),
      new FrameError("a frame of 101 bytes, where none has more than 100"),
    );
    assert.deepEqual(frames, []);
  });
});
