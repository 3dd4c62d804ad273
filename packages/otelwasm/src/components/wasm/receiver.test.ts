import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Receiver } from "../../component/component.ts";
import { ConsumerError } from "../../component/errors.ts";
import { type GuestParts, LineLogger } from "../../plugin/testing/guests.ts";
import { SIGNALS, type Signal } from "../../telemetry/batch.ts";
import { wasmReceiverFactory } from "./index.ts";
import { guestFile, payload, receiverGuest, Sink, settingsOf } from "./testing/support.ts";

interface Made {
  readonly receiver: Receiver;
  readonly sink: Sink;
  readonly logger: LineLogger;
}

function make(parts: GuestParts, signal: Signal = "logs", config: object = {}): Made {
  const sink = new Sink();
  const logger = new LineLogger();
  const checked = wasmReceiverFactory.schema.parse({ path: guestFile(parts), ...config });
  return { receiver: wasmReceiverFactory.create(settingsOf(signal, logger), checked, sink), sink, logger };
}

/** The totals of the last line. */
function totals({ logger }: Made): unknown {
  const at = logger.lines.lastIndexOf("warn: Batches that the plugin could not deal with");
  return at < 0 ? undefined : logger.attributes[at];
}

/** Why data was refused, as the log says. */
function reasons({ logger }: Made): string[] {
  return logger.attributes.flatMap((attributes, at) =>
    /refused/.test(logger.lines[at]!) && attributes?.reason !== undefined ? [String(attributes.reason)] : [],
  );
}

/** As sending it to a thread does. */
function detach({ buffer }: Uint8Array): void {
  assert.ok(buffer instanceof ArrayBuffer);
  structuredClone(buffer, { transfer: [buffer] });
}

describe("receiver wasm", () => {
  for (const signal of SIGNALS)
    test(`8.2 ${signal}: what the guest sets goes on, each once and in order; start and shutdown are called once`, async () => {
      const made = make(receiverGuest([payload(1), payload(2), payload(3)]), signal);
      await made.receiver.start();
      await made.sink.has(3);
      await made.receiver.shutdown();
      assert.deepEqual(made.sink.bytes, [payload(1), payload(2), payload(3)]);
      assert.deepEqual([...new Set(made.sink.batches.map((batch) => batch.signal))], [signal]);
      assert.deepEqual(
        made.logger.lines.filter((line) => /info: (started|shut down)/.test(line)),
        ["info: started", "info: shut down"],
      );
      assert.equal(totals(made), undefined);
    });

  test("data that is not OTLP does not go on: counted, logged with its reason, and the guest goes on", async () => {
    const made = make(receiverGuest([[0x0a, 9, 1], payload(1), [0xff], payload(2)]));
    await made.receiver.start();
    await made.sink.has(2);
    await made.receiver.shutdown();
    assert.deepEqual(made.sink.bytes, [payload(1), payload(2)]);
    assert.match(reasons(made)[0]!, /not OTLP: LogsData.*runs past the end/);
    assert.deepEqual(totals(made), { refused: 2 });
  });

  test("an empty result is nothing", async () => {
    const made = make(receiverGuest([[], payload(1)]));
    await made.receiver.start();
    await made.sink.has(1);
    await made.receiver.shutdown();
    assert.deepEqual(made.sink.bytes, [payload(1)]);
    assert.equal(totals(made), undefined);
  });

  test("a retryable refusal is tried again until it is taken, also if the buffer was taken away; the guest waits", async () => {
    const made = make(receiverGuest([payload(1), payload(2)]));
    made.sink.answer = ({ bytes }, count) => {
      detach(bytes);
      if (count <= 2) throw ConsumerError.retryable("busy");
    };
    await made.receiver.start();
    await made.sink.has(4);
    await made.receiver.shutdown();
    assert.deepEqual(made.sink.bytes, [payload(1), payload(1), payload(1), payload(2)]);
    assert.equal(totals(made), undefined);
  });

  test("a permanent refusal is counted and logged with its reason, and not tried again", async () => {
    const made = make(receiverGuest([payload(1), payload(2)]));
    made.sink.answer = (_, count) => {
      if (count === 1) throw ConsumerError.permanent("not these");
    };
    await made.receiver.start();
    await made.sink.has(2);
    await made.receiver.shutdown();
    assert.deepEqual(made.sink.bytes, [payload(1), payload(2)]);
    assert.deepEqual(reasons(made), ["not these"]);
    assert.deepEqual(totals(made), { refused: 1 });
  });

  test("shutdown during a long pause before the next try does not wait; what is lost is accounted for", async () => {
    const made = make(receiverGuest([payload(1)]));
    made.sink.answer = () => {
      throw ConsumerError.retryable("later", { retryAfterMs: 3_600_000 });
    };
    await made.receiver.start();
    await made.sink.has(1);
    await made.receiver.shutdown();
    assert.deepEqual(made.sink.bytes, [payload(1)]);
    assert.match(reasons(made).join(), /the plugin stops.*later/);
    assert.deepEqual(totals(made), { refused: 1 });
  });

  test("back-pressure and the shutdown race: the batch in flight is answered before shutdown is over", async () => {
    const made = make(receiverGuest([payload(1)]));
    const held = Promise.withResolvers<void>();
    made.sink.answer = () => held.promise;
    await made.receiver.start();
    await made.sink.has(1);
    const order: string[] = [];
    const stopped = made.receiver.shutdown().then(() => order.push("shut down"));
    setImmediate(() => {
      order.push("answered");
      held.resolve();
    });
    await stopped;
    assert.deepEqual(order, ["answered", "shut down"]);
    assert.equal(totals(made), undefined);
  });

  test("10.4.3 what the guest sets when it has seen the flag is refused, and the log says so", async () => {
    const late = `(call $set_result_SIGNAL (i32.const 4096) (i32.const ${payload(1).length}))`;
    const wait = "(loop $again (br_if $again (i32.eqz (call $get_shutdown_requested))))";
    const made = make(receiverGuest([payload(1)], `${wait} ${late}`));
    await made.receiver.start();
    await made.sink.has(1);
    await made.receiver.shutdown();
    assert.deepEqual(made.sink.bytes, [payload(1)]);
    assert.match(made.logger.lines.join("\n"), /refused.*after the plugin was asked to stop/);
    assert.deepEqual(totals(made), { refused: 1 });
  });

  test("a guest that never looks at the flag is ended at its deadline; the pipeline keeps what it took", async () => {
    const endless = `(loop $again (call $set_result_SIGNAL (i32.const 4096) (i32.const ${payload(1).length})) (br $again))`;
    const made = make(receiverGuest([payload(1)], endless), "logs", { limits: { shutdown_timeout: "100ms" } });
    await made.receiver.start();
    await made.sink.has(10);
    await assert.rejects(made.receiver.shutdown(), /wasm\/test/);
    const count = made.sink.batches.length;
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(made.sink.batches.length, count, "nothing comes after shutdown");
  });

  test("a shutdown while the plugin is loaded: it is not started after all", async () => {
    const made = make(receiverGuest([payload(1)]));
    const starting = made.receiver.start();
    await Promise.all([
      assert.rejects(starting, /the collector was shut down while the plugin was loaded/),
      made.receiver.shutdown(),
    ]);
    assert.deepEqual(made.sink.bytes, []);
    assert.ok(!made.logger.lines.includes("info: started"));
  });

  test("its shutdown may take what is configured", () => {
    const { receiver } = make({}, "logs", { limits: { shutdown_timeout: "1m" } });
    assert.equal(receiver.shutdownTimeoutMs, 62_000);
  });

  test("nothing is opened when it is created; shutdown without start is allowed", async () => {
    const receiver = wasmReceiverFactory.create(settingsOf("logs"), { path: "/no/such.wasm" }, new Sink());
    await receiver.shutdown();
  });

  test("a plugin that is no receiver stops the start", async () => {
    const { receiver } = make({});
    await assert.rejects(
      receiver.start(),
      /wasm\/test: load: \S+\.wasm: the module does not export start_logs_receiver/,
    );
    await receiver.shutdown();
  });
});
