import { defineExporter, type ExporterFactory } from "../../component/factory.ts";
import { withDelivery } from "../../exporterhelper/delivery.ts";
import { SIGNALS } from "../../telemetry/batch.ts";
import { schema } from "./config.ts";
import { createExporter } from "./exporter.ts";

export const otlpHttpExporter: ExporterFactory = defineExporter({
  kind: "exporter",
  type: "otlp_http",
  aliases: ["otlphttp"],
  signals: SIGNALS,
  description: "Sends OTLP over HTTP (protobuf or JSON)",
  schema,
  create: (settings, config) => withDelivery(settings, config, createExporter(settings, config)),
});
