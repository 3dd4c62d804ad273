import { defineReceiver, type ReceiverFactory } from "../../component/factory.ts";
import { SIGNALS } from "../../telemetry/batch.ts";
import { schema } from "./config.ts";
import { createReceiver } from "./receiver.ts";

export const otlpReceiver: ReceiverFactory = defineReceiver({
  kind: "receiver",
  type: "otlp",
  signals: SIGNALS,
  description: "Takes OTLP over gRPC and HTTP (protobuf and JSON)",
  schema,
  create: createReceiver,
});
