import { defineExporter, type ExporterFactory } from "../../component/factory.ts";
import { withDelivery } from "../../exporterhelper/delivery.ts";
import { SIGNALS } from "../../telemetry/batch.ts";
import { schema } from "./config.ts";
import { createExporter } from "./exporter.ts";

export const otlpGrpcExporter: ExporterFactory = defineExporter({
  kind: "exporter",
  type: "otlp_grpc",
  aliases: ["otlp"],
  signals: SIGNALS,
  description: "Sends OTLP over gRPC",
  schema,
  create: (settings, config) => withDelivery(settings, config, createExporter(settings, config)),
});
