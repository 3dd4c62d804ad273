import { defineExporter, type ExporterFactory } from "../../component/factory.ts";
import { withDelivery } from "../../exporterhelper/delivery.ts";
import { SIGNALS } from "../../telemetry/batch.ts";
import { schema } from "./config.ts";
import { createExporter } from "./exporter.ts";

export const fileExporter: ExporterFactory = defineExporter({
  kind: "exporter",
  type: "file",
  signals: SIGNALS,
  description: "Writes telemetry to a file, as OTLP JSON lines or length-prefixed protobuf",
  schema,
  create: (settings, config) => withDelivery(settings, config, createExporter(settings, config)),
});
