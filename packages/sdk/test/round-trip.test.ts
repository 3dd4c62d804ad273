import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { batch } from "./arbitrary.ts";
import { CHANGES } from "./changes.ts";
import { instantiate } from "./harness.ts";
import { LogsData, MetricsData, TracesData } from "./otlp.ts";
import { decodeReference } from "./reference.ts";

const TYPES = { traces: TracesData, metrics: MetricsData, logs: LogsData } as const;
const SIGNALS = ["traces", "metrics", "logs"] as const;

for (const signal of SIGNALS) {
  test(`${signal}: a change of every message gives what protobuf's rules say, unknown fields included`, async () => {
    const guest = await instantiate("everything");
    assert.equal(guest.start().status, 0);
    fc.assert(
      fc.property(batch(TYPES[signal]), (bytes) => {
        const expected = decodeReference(TYPES[signal], bytes);
        CHANGES[signal](expected);
        const { status, reason, result } = guest.consume(signal, bytes);
        assert.equal(status, 0, reason);
        assert.deepEqual(decodeReference(TYPES[signal], result ?? bytes), expected);
      }),
      { numRuns: 400 },
    );
  });
}
