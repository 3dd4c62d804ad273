import { defineExtension, type ExtensionFactory } from "../../component/factory.ts";
import { schema } from "./config.ts";
import { createExtension } from "./extension.ts";

export const healthCheckExtension: ExtensionFactory = defineExtension({
  kind: "extension",
  type: "health_check",
  description: "Says over HTTP whether every pipeline can take data, and how each component is",
  schema,
  create: createExtension,
});
