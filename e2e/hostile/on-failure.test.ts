/** What becomes of data while a plugin is broken, as the configuration says: `reject`, `pass_through`, `drop`. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type Sink, startSink } from "../sink.ts";
import { hostileGuest } from "./guests.ts";
import { BAD, type Fixture, GOOD, withHostile } from "./neighbour.ts";

const ALWAYS_TRAPS = { always: "unreachable" };

/** Broken now and then; waiting for another try; failed for good. */
const RESTARTS = {
  "the next instance comes at once": { initial_interval: "1ms", max_interval: "1ms", max_restarts: 10_000 },
  "the next instance comes much later": { initial_interval: "1h", max_interval: "1h" },
  "there is no next instance": { max_restarts: 0 },
};

interface Policy {
  readonly role: "processor" | "exporter";
  /** Undefined: what is so without a word. */
  readonly onFailure?: "reject" | "pass_through" | "drop";
  readonly accepted: boolean;
  readonly delivered: boolean;
  /** How the total at the end is called. */
  readonly counted: string;
}

const POLICIES: readonly Policy[] = [
  { role: "processor", accepted: false, delivered: false, counted: "rejected" },
  { role: "processor", onFailure: "reject", accepted: false, delivered: false, counted: "rejected" },
  { role: "processor", onFailure: "pass_through", accepted: true, delivered: true, counted: "passed_through" },
  { role: "processor", onFailure: "drop", accepted: true, delivered: false, counted: "dropped" },
  { role: "exporter", onFailure: "reject", accepted: false, delivered: false, counted: "rejected" },
  { role: "exporter", onFailure: "drop", accepted: true, delivered: false, counted: "dropped" },
];

describe("on_failure", () => {
  let sink: Sink;
  before(async () => {
    sink = await startSink();
  });
  after(() => sink.close());

  const delivered = (): Buffer[] =>
    sink.requests.filter(({ signal }) => signal === "traces").map(({ raw }) => Buffer.from(raw));

  const SENT: readonly Uint8Array[] = [GOOD, BAD, GOOD, BAD, GOOD, GOOD];

  async function sendAll(fixture: Fixture, accepted: boolean): Promise<void> {
    for (const [index, payload] of SENT.entries())
      if (index % 2 === 0) assert.equal((await fixture.grpc(payload)).code, accepted ? 0 : 14);
      else assert.equal((await fixture.http(payload)).status, accepted ? 200 : 503);
  }

  for (const { role, onFailure, accepted, counted, ...policy } of POLICIES)
    for (const [when, restart] of Object.entries(RESTARTS))
      test(`${role}, ${onFailure ?? "nothing configured"}, ${when}: the sender gets ${accepted ? "an acknowledgement" : "a retryable error"}, the sink ${policy.delivered ? "every batch unaltered" : "nothing"}`, async () => {
        const config = { restart, ...(onFailure === undefined ? {} : { on_failure: onFailure }) };
        await using fixture = await withHostile(sink, await hostileGuest(ALWAYS_TRAPS), { role, config });
        await sendAll(fixture, accepted);
        await fixture.neighbour.more(2);
        assert.equal(await fixture.finish(), undefined);
        assert.deepEqual(delivered(), policy.delivered ? SENT.map((bytes) => Buffer.from(bytes)) : []);
        assert.equal(
          fixture.log.matching(new RegExp(`could not deal with .*\\b${counted}=${SENT.length}\\b`)).length,
          1,
        );
      });

  test("a call that is stopped is answered by on_failure, too", async () => {
    const config = { on_failure: "pass_through", limits: { call_timeout: "100ms" } };
    await using fixture = await withHostile(sink, await hostileGuest({ consume: "(loop $again (br $again))" }), {
      config,
    });
    assert.equal((await fixture.grpc(GOOD)).code, 0);
    assert.equal((await fixture.grpc(BAD)).code, 0);
    assert.equal((await fixture.grpc(GOOD)).code, 0);
    assert.equal(await fixture.finish(), undefined);
    assert.deepEqual(
      delivered(),
      [GOOD, BAD, GOOD].map((bytes) => Buffer.from(bytes)),
    );
  });

  test("an error that the guest returns is no failure of the plugin: on_failure does not hide it", async () => {
    const config = { on_failure: "pass_through" };
    await using fixture = await withHostile(sink, await hostileGuest({ consume: "(return (i32.const 2))" }), {
      config,
    });
    assert.equal((await fixture.grpc(BAD)).code, 3);
    assert.equal((await fixture.http(BAD)).status, 400);
    assert.equal(await fixture.finish(), undefined);
    assert.deepEqual(delivered(), []);
  });
});
