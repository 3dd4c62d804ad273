/** What a plugin may do as a receiver: nobody sends to it, so that nobody hears of it; the log does. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { type Sink, startSink } from "../sink.ts";
import { dataAt, type HostileParts, hostileGuest } from "./guests.ts";
import { type Fixture, GOOD, type HostileOptions, withHostile } from "./neighbour.ts";

const AT = 4096;
const EMIT = `(call $set_result_traces (i32.const ${AT}) (i32.const ${GOOD.length}))`;
/** An endless list of bytes that is no message: a length that runs past the end. */
const MALFORMED = Uint8Array.of(0x0a, 0x7f, 1, 2, 3);
const EMIT_MALFORMED = `(call $set_result_traces (i32.const ${AT + 1024}) (i32.const ${MALFORMED.length}))`;
const again = (body: string): string => `(loop $again ${body} (br $again))`;
const untilAsked = "(loop $waiting (br_if $waiting (i32.eqz (call $get_shutdown_requested))))";

const SOON = { restart: { initial_interval: "1ms", max_interval: "1ms", max_restarts: 5 } };
const SHORT_END = { limits: { shutdown_timeout: "200ms" } };
const FAILED = /the plugin has failed for good/;
const STOPPED = /The receiver has stopped: no more traces from it/;

interface HostileReceiver {
  readonly does: string;
  readonly receive: string;
  readonly parts?: HostileParts;
  readonly config: HostileOptions["config"];
  /** In the log before anything is asked to stop. */
  readonly says: readonly RegExp[];
  /** Batches at the sink by then, at least; none is any other than the good one. */
  readonly delivers?: number;
  /** What the shutdown ends with. */
  readonly ends?: RegExp;
}

const ENDED = /wasm\/hostile.*start_traces_receiver: stopped: it ran longer than 200 ms/;

const RECEIVERS: readonly HostileReceiver[] = [
  { does: "never looks at the flag", receive: again(""), config: SHORT_END, says: [/begins/], ends: ENDED },
  {
    does: "never looks at the flag, and sets results without end",
    receive: again(EMIT),
    config: SHORT_END,
    says: [/begins/],
    delivers: 20,
    ends: ENDED,
  },
  {
    does: "sets empty results without end",
    receive: again("(call $set_result_traces (i32.const 0) (i32.const 0))"),
    config: SHORT_END,
    says: [/begins/],
    ends: ENDED,
  },
  {
    does: "writes log lines without end",
    receive: again("(call $begins)"),
    config: SHORT_END,
    says: [/begins/, /lines of the plugin were suppressed/],
    ends: ENDED,
  },
  {
    does: "returns at once, again and again",
    receive: "",
    config: SOON,
    says: [/returned before the plugin was asked to stop, no reason given/, FAILED, STOPPED],
  },
  {
    does: "traps at once, again and again",
    receive: "unreachable",
    config: SOON,
    says: [/start_traces_receiver: trapped/, FAILED, STOPPED],
  },
  {
    does: "traps after each batch",
    receive: `${EMIT} unreachable`,
    config: SOON,
    says: [/start_traces_receiver: trapped/, FAILED, STOPPED],
    delivers: 6,
  },
  {
    does: "sets what is not OTLP between what is",
    receive: `${EMIT_MALFORMED} ${EMIT} ${EMIT_MALFORMED} ${EMIT} ${untilAsked}`,
    config: {},
    says: [/refused and lost.*not OTLP/],
    delivers: 2,
  },
  {
    does: "sets a result outside of its memory",
    receive: `${EMIT} (call $set_result_traces (i32.const -1) (i32.const -1))`,
    config: SOON,
    says: [/set_result_traces: 4294967295 bytes at pointer 4294967295 are outside the memory/, FAILED, STOPPED],
    delivers: 6,
  },
  {
    does: "sets results of another signal",
    receive: `(call $set_result_logs (i32.const ${AT}) (i32.const ${GOOD.length}))`,
    config: SOON,
    says: [/set_result_logs called during start_traces_receiver/, FAILED, STOPPED],
  },
  {
    does: "sets a result that is too large",
    receive: `(call $set_result_traces (i32.const 0) (i32.const 131072)) ${EMIT} ${untilAsked}`,
    config: { limits: { max_result_bytes: "64KiB" } },
    says: [/131072 bytes, more than max_result_bytes \(65536\)/],
    delivers: 1,
  },
  {
    does: "sets a result of 2 GiB",
    receive: `(drop (memory.grow (i32.const 0x8000))) (call $set_result_traces (i32.const 0) (i32.const 0x80000000))
      ${EMIT} ${untilAsked}`,
    config: { limits: { memory: "3GiB" } },
    says: [/2147483648 bytes, more than max_result_bytes \(67108864\)/],
    delivers: 1,
  },
  {
    does: "gives a reason outside of its memory",
    receive: `${EMIT} (call $set_status_reason (i32.const -8) (i32.const 9))`,
    config: SOON,
    says: [/set_status_reason: 9 bytes at pointer 4294967288 are outside the memory/, FAILED, STOPPED],
    delivers: 6,
  },
  {
    does: "takes memory until there is no more, and traps",
    receive: "(loop $more (br_if $more (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))) unreachable",
    config: { ...SOON, limits: { memory: "16MiB" } },
    says: [/start_traces_receiver: trapped/, FAILED, STOPPED],
  },
  {
    does: "spins in shutdown",
    receive: `${EMIT} ${untilAsked}`,
    parts: { shutdown: again("") },
    // The time is that of the loop's end, too.
    config: { limits: { shutdown_timeout: "2s" } },
    says: [/begins/],
    delivers: 1,
    ends: /wasm\/hostile.*shutdown: stopped: it ran longer than 2000 ms/,
  },
];

describe("hostile receivers", () => {
  let sink: Sink;
  before(async () => {
    sink = await startSink();
  });
  after(() => sink.close());

  const delivered = (): typeof sink.requests => sink.requests.filter(({ signal }) => signal === "traces");

  async function finishes(fixture: Fixture, ends: RegExp | undefined): Promise<void> {
    const outcome = await fixture.finish();
    if (ends === undefined) assert.equal(outcome, undefined);
    else assert.match(String(outcome?.message), ends);
  }

  for (const { does, receive, parts, config = {}, says, delivers = 0, ends } of RECEIVERS)
    test(`a receiver that ${does}`, async () => {
      const path = await hostileGuest({
        fields: `${dataAt(AT, GOOD)} ${dataAt(AT + 1024, MALFORMED)}`,
        ...parts,
        receive,
      });
      await using fixture = await withHostile(sink, path, { role: "receiver", config });
      for (const pattern of says) await fixture.log.waitFor(pattern);
      await sink.waitForItems(delivers, "traces");
      // While it goes on as it does, or has failed, the others are answered.
      await fixture.neighbour.more(3);
      await finishes(fixture, ends);
      assert.ok(delivered().length >= delivers);
      for (const { raw } of delivered()) assert.deepEqual(Buffer.from(raw), Buffer.from(GOOD));
      const count = delivered().length;
      await new Promise((resolve) => setImmediate(resolve));
      assert.equal(delivered().length, count, "nothing comes after the shutdown");
    });

  test("a receiver whose batch the pipeline cannot take: the guest waits, the others go on, and each batch comes once it can", async () => {
    const path = await hostileGuest({ fields: dataAt(AT, GOOD), receive: `${EMIT} ${EMIT} ${untilAsked}` });
    let refusals = 0;
    await using fixture = await withHostile(sink, path, {
      role: "receiver",
      respond: ({ signal }) =>
        signal === "traces" && ++refusals <= 2
          ? { kind: "fail", code: 14, httpStatus: 503, message: "busy" }
          : { kind: "accept" },
    });
    await sink.waitForItems(1, "traces");
    await fixture.neighbour.more(3);
    // Two that were refused, the same once more, and only then the second.
    await sink.waitForItems(4, "traces");
    await finishes(fixture, undefined);
    assert.equal(delivered().length, 4);
    assert.equal(fixture.log.matching(/refused/).length, 0);
  });
});
