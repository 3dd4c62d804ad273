import { defineExporter, defineReceiver, type ExporterFactory, type ReceiverFactory } from "../../component/factory.ts";
import { SIGNALS } from "../../telemetry/batch.ts";
import { schema } from "./config.ts";
import { createExporter } from "./exporter.ts";
import { createReceiver } from "./receiver.ts";

export const nopReceiver: ReceiverFactory = defineReceiver({
  kind: "receiver",
  type: "nop",
  signals: SIGNALS,
  description: "Receives nothing, for configurations that need a receiver",
  schema,
  create: createReceiver,
});

export const nopExporter: ExporterFactory = defineExporter({
  kind: "exporter",
  type: "nop",
  signals: SIGNALS,
  description: "Drops everything, for tests and benchmarks",
  schema,
  create: createExporter,
});
