import { defineExtension, type ExtensionFactory } from "../../component/factory.ts";
import { schema } from "./config.ts";
import { createExtension } from "./extension.ts";

export const basicAuthExtension: ExtensionFactory = defineExtension({
  kind: "extension",
  type: "basicauth",
  description: "Lets those in whose name and password are known, or sends a name and a password along",
  schema,
  create: createExtension,
});
