import { defineExporter, type ExporterFactory } from "../../component/factory.ts";
import { SIGNALS } from "../../telemetry/batch.ts";
import { schema } from "./config.ts";
import { createExporter } from "./exporter.ts";

export const nopExporter: ExporterFactory = defineExporter({
  kind: "exporter",
  type: "nop",
  signals: SIGNALS,
  description: "Drops everything, for tests and benchmarks",
  schema,
  create: createExporter,
});
