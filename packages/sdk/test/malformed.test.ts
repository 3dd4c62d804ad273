import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { batch } from "./arbitrary.ts";
import { type Guest, instantiate, type Signal } from "./harness.ts";
import { LogsData, MetricsData, TracesData } from "./otlp.ts";
import { decodeReference } from "./reference.ts";

const TYPES = { traces: TracesData, metrics: MetricsData, logs: LogsData } as const;

/** What the ABI calls an invalid argument: the host tells the sender that trying again cannot help. */
const INVALID_ARGUMENT = 2;

/** Refused with a reason or a result; a trap fails the test by itself. @returns whether it was refused */
function pushDamaged(guest: Guest, signal: Signal, bytes: Uint8Array): boolean {
  const before = bytes.slice();
  const { status, reason, result } = guest.consume(signal, bytes);
  if (status !== 0) {
    assert.equal(status, INVALID_ARGUMENT);
    assert.match(reason, /^malformed OTLP/);
    assert.equal(result, undefined);
  }
  assert.deepEqual(bytes, before);
  return status !== 0;
}

for (const signal of ["traces", "metrics", "logs"] as const) {
  test(`8.5 fuzz, ${signal}: damaged bytes are an invalid argument with a reason or give a result, never a trap`, async () => {
    const guest = await instantiate("everything");
    guest.start();
    let refused = 0;
    const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(batch(TYPES[signal]), damage, fc.nat(), (bytes, changes, cut) => {
        const damaged = bytes.slice(0, cut % 3 === 0 ? cut % (bytes.length + 1) : bytes.length);
        for (const [at, value] of changes) if (damaged.length > 0) damaged[at % damaged.length] = value;
        refused += pushDamaged(guest, signal, damaged) ? 1 : 0;
      }),
      { numRuns: 1500 },
    );
    assert.ok(refused > 100, `${refused} of 1500 were refused`);
  });
}

test("8.5 fuzz: bytes of no meaning at all do not trap either", async () => {
  const everything = await instantiate("everything");
  const structure = await instantiate("structure", '{"operation":"attributes"}');
  everything.start();
  structure.start();
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      for (const signal of ["traces", "metrics", "logs"] as const) pushDamaged(everything, signal, bytes);
      pushDamaged(structure, "logs", bytes);
    }),
    { numRuns: 2000 },
  );
});

test("every prefix of a batch is refused where the whole is needed, or means what it says", async () => {
  const guest = await instantiate("structure", '{"operation":"read"}');
  guest.start();
  const whole = LogsData.encode({
    resourceLogs: [
      {
        resource: { attributes: [{ key: "a", value: { stringValue: "b" } }] },
        scopeLogs: [
          {
            logRecords: [
              { severityText: "INFO", timeUnixNano: 5, attributes: [{ key: "x", value: { intValue: 300 } }] },
            ],
          },
        ],
      },
    ],
  }).finish();
  for (let length = 1; length < whole.length; ++length) {
    const { status, reason } = guest.consume("logs", whole.subarray(0, length));
    assert.equal(status, INVALID_ARGUMENT, `${length} bytes`);
    assert.match(reason, /^malformed OTLP at byte \d+: a length leads past the end|is cut off/);
  }
});

test("the reason says what is wrong and where", async () => {
  const guest = await instantiate("structure", '{"operation":"read"}');
  guest.start();
  const reasons: [number[], RegExp][] = [
    [[0x0a, 0x05, 0x01], /at byte \d+: a length leads past the end/],
    [[0x00, 0x01], /at byte 1: a field has the number 0/],
    [[0x0f, 0x01], /a field has the wire type 7/],
    [[0x09, 1, 2, 3], /a 64 bit value is cut off/],
    [[0x0d, 1, 2, 3], /a 32 bit value is cut off/],
    [[0x08, 0x80], /a number is cut off/],
    [[0x08, ...Array<number>(11).fill(0x80)], /a number has more than ten bytes/],
    [[0x0b], /a group is not closed/],
    [[0x0b, 0x14], /a group ends that is not open/],
    [[0x0c], /wire type 4/],
    [[0xff, 0xff, 0xff, 0xff, 0xff, 0x01], /a field's number is out of range/],
    [Array<number>(300).fill(0x0b), /groups are nested too deeply/],
  ];
  for (const [bytes, reason] of reasons) {
    const outcome = guest.consume("logs", Uint8Array.from(bytes));
    assert.equal(outcome.status, INVALID_ARGUMENT, String(reason));
    assert.match(outcome.reason, reason);
  }
});

test("a body that is nested without end is refused", async () => {
  const guest = await instantiate("structure", '{"operation":"read"}');
  guest.start();
  const nested = (depth: number): Uint8Array => {
    let content = Uint8Array.of();
    const wrap = (tag: number): void => {
      const size = content.length;
      const length = size < 128 ? [size] : [(size & 0x7f) | 0x80, size >> 7];
      content = Uint8Array.from([tag, ...length, ...content]);
    };
    // AnyValue.array_value, ArrayValue.values, and so on; LogRecord.body, ScopeLogs.log_records, ...
    for (let i = 0; i < depth; ++i) for (const tag of [0x0a, 0x2a]) wrap(tag);
    for (const tag of [0x2a, 0x12, 0x12, 0x0a]) wrap(tag);
    return content;
  };
  assert.equal(guest.consume("logs", nested(40)).status, 0);
  const refused = guest.consume("logs", nested(60));
  assert.equal(refused.status, INVALID_ARGUMENT);
  assert.match(refused.reason, /nested more than 100 deep/);
});

test("damage that a plugin does not come by goes on as it came", async () => {
  const guest = await instantiate("put-str", '{"key":"k","value":"v"}');
  guest.start();
  // A resource whose content is cut off inside, and a record.
  const bytes = Uint8Array.from([0x0a, 0x0a, 0x0a, 0x02, 0x0a, 0x7f, 0x12, 0x04, 0x12, 0x02, 0x18, 0x09]);
  assert.throws(() => decodeReference(LogsData, bytes));
  const { status, result } = guest.consume("logs", bytes);
  assert.equal(status, 0);
  assert.deepEqual([...(result ?? [])].slice(2, 6), [0x0a, 0x02, 0x0a, 0x7f]);
});
