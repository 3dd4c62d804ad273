import { type ConnectorFactory, defineConnector } from "../../component/factory.ts";
import { SIGNALS } from "../../telemetry/batch.ts";
import { schema } from "./config.ts";
import { createConnector } from "./connector.ts";

export const forwardConnector: ConnectorFactory = defineConnector({
  kind: "connector",
  type: "forward",
  pairs: SIGNALS.map((signal) => ({ from: signal, to: signal })),
  description: "Gives what some pipelines end with to others of the same signal, to merge or to branch them",
  schema,
  create: createConnector,
});
