import assert from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import type { Consumer } from "../../component/component.ts";
import { ConsumerError } from "../../component/errors.ts";
import { type ComponentSettings, defineExporter, defineReceiver } from "../../component/factory.ts";
import { deliveryKeys } from "../../exporterhelper/config.ts";
import { withDelivery } from "../../exporterhelper/delivery.ts";
import { SIGNALS } from "../../telemetry/batch.ts";
import { buildPayload } from "../../telemetry/testing/payload.ts";
import { createCollector } from "../create.ts";
import { scrape, valuesOf } from "./testing/page.ts";

const NAMES = { traces: "spans", metrics: "metric_points", logs: "log_records" } as const;

for (const signal of SIGNALS)
  test(`${signal}: items sent, failed and not queued, and how full the queue is`, async () => {
    let pipeline: Consumer = assert.fail as never;
    let answer: () => Promise<void> = async () => {};
    const given = defineReceiver({
      kind: "receiver",
      type: "given",
      signals: SIGNALS,
      description: "What a test gives",
      schema: z.strictObject({}),
      create: (_settings, _config, next) => {
        pipeline = next;
        return { start: async () => {}, shutdown: async () => {} };
      },
    });
    const moody = defineExporter({
      kind: "exporter",
      type: "moody",
      signals: SIGNALS,
      description: "Answers as a test says",
      schema: z.strictObject(deliveryKeys),
      create: (settings: ComponentSettings, config) =>
        withDelivery(settings, config, {
          capabilities: { mutatesData: false },
          start: async () => {},
          shutdown: async () => {},
          consume: () => answer(),
        }),
    });
    const prometheus = { host: "127.0.0.1", port: 0, without_scope_info: true };
    const collector = await createCollector(
      {
        receivers: { given: {} },
        exporters: {
          moody: { retry_on_failure: { enabled: false }, sending_queue: { sizer: "items", queue_size: 100 } },
        },
        service: {
          pipelines: { [signal]: { receivers: ["given"], exporters: ["moody"] } },
          telemetry: { metrics: { level: "detailed", readers: [{ pull: { exporter: { prometheus } } }] } },
        },
      },
      { factories: [given, moody] },
    );
    await collector.start();
    try {
      const send = (items: number): Promise<void> => pipeline.consume({ signal, bytes: buildPayload(signal, items) });
      const page = async (): Promise<Map<string, number>> => valuesOf(await scrape(collector.endpoints[0]?.url));
      const counts = async (): Promise<(number | undefined)[]> => {
        const values = await page();
        return ["sent", "send_failed", "enqueue_failed"].map((what) =>
          values.get(`otelcol_exporter_${what}_${NAMES[signal]}_total{exporter="moody"}`),
        );
      };
      const queue = async (): Promise<(number | undefined)[]> => {
        const values = await page();
        return ["size", "capacity"].map((what) =>
          values.get(`otelcol_exporter_queue_${what}{exporter="moody",data_type="${signal}"}`),
        );
      };
      assert.deepEqual(
        [await counts(), await queue()],
        [
          [0, 0, 0],
          [0, 100],
        ],
      );
      await send(7);
      answer = () => Promise.reject(ConsumerError.permanent("never"));
      await assert.rejects(send(20));
      const held = Promise.withResolvers<void>();
      answer = () => held.promise;
      const waiting = send(60);
      await assert.rejects(send(50), /sending queue is full/);
      assert.deepEqual(
        [await counts(), await queue()],
        [
          [7, 20, 50],
          [60, 100],
        ],
      );
      held.resolve();
      await waiting;
      assert.deepEqual(
        [await counts(), await queue()],
        [
          [67, 20, 50],
          [0, 100],
        ],
      );
      const values = await page();
      assert.equal(values.get(`otelcol_exporter_queue_batch_send_size_sum{exporter="moody"}`), 87);
      assert.equal(values.get(`otelcol_exporter_queue_batch_send_size_bytes_count{exporter="moody"}`), 3);
    } finally {
      await collector.shutdown();
    }
  });
