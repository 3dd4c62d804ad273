import assert from "node:assert/strict";
import { test } from "node:test";
import type { Consumer } from "../../component/component.ts";
import { ConsumerError } from "../../component/errors.ts";
import { type Logger, silentLogger } from "../../component/logger.ts";
import { settingsWith } from "../../component/testing/settings.ts";
import { buildPayload } from "../../telemetry/testing/payload.ts";
import { Intake } from "./intake.ts";

test("what the pipeline does not take is in the log, once for each kind of failure and not for each batch", async () => {
  const lines: unknown[] = [];
  const logger: Logger = { ...silentLogger, error: (message, attributes) => lines.push([message, attributes]) };
  let next: ConsumerError = ConsumerError.retryable("the destination is down");
  const consumer: Consumer = { capabilities: { mutatesData: false }, consume: () => Promise.reject(next) };
  const intake = new Intake(["http"]);
  intake.register(settingsWith({ id: "otlp", signal: "logs", logger }), consumer);
  intake.open("logs");
  const deliver = (bytes: Uint8Array): Promise<unknown> =>
    new Promise((refused, reject) => {
      intake.deliver("logs", bytes, "http", { refused, delivered: () => reject(new Error("delivered")) });
    });

  for (let i = 0; i < 3; i++) assert.equal(await deliver(buildPayload("logs", 1)), next);
  next = ConsumerError.permanent("the destination does not want this");
  assert.equal(await deliver(buildPayload("logs", 1)), next);
  await deliver(Uint8Array.of(1));
  assert.deepEqual(lines, [
    ["Not delivered, and the sender was told so: the destination is down", { permanent: false, batches: 1 }],
    ["Not delivered, and the sender was told so: the destination does not want this", { permanent: true, batches: 1 }],
  ]);
});
