import { defineProcessor, type ProcessorFactory } from "../../component/factory.ts";
import { SIGNALS } from "../../telemetry/batch.ts";
import { schema } from "./config.ts";
import { createProcessor } from "./processor.ts";

export const memoryLimiterProcessor: ProcessorFactory = defineProcessor({
  kind: "processor",
  type: "memory_limiter",
  signals: SIGNALS,
  description: "Refuses data while there is too little memory; senders may try again",
  schema,
  create: createProcessor,
});
