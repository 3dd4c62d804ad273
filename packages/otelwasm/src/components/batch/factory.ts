import { defineProcessor, type ProcessorFactory } from "../../component/factory.ts";
import { SIGNALS } from "../../telemetry/batch.ts";
import { schema } from "./config.ts";
import { createProcessor } from "./processor.ts";

export const batchProcessor: ProcessorFactory = defineProcessor({
  kind: "processor",
  type: "batch",
  signals: SIGNALS,
  description: "Makes few large batches of many small ones; answers when they are delivered",
  schema,
  create: createProcessor,
});
