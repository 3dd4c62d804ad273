import { defineExporter, type ExporterFactory } from "../../component/factory.ts";
import { NO_RETRY } from "../../exporterhelper/config.ts";
import { withDelivery } from "../../exporterhelper/delivery.ts";
import { SIGNALS } from "../../telemetry/batch.ts";
import { schema } from "./config.ts";
import { createExporter } from "./exporter.ts";

export const debugExporter: ExporterFactory = defineExporter({
  kind: "exporter",
  type: "debug",
  signals: SIGNALS,
  description: "Writes telemetry to the log or to files, for people to read",
  schema,
  create: (settings, config) =>
    withDelivery(
      settings,
      { sending_queue: config.sending_queue, retry_on_failure: NO_RETRY },
      createExporter(settings, config),
    ),
});
