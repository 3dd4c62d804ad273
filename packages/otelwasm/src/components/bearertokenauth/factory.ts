import { defineExtension, type ExtensionFactory } from "../../component/factory.ts";
import { schema } from "./config.ts";
import { createExtension } from "./extension.ts";

export const bearerTokenAuthExtension: ExtensionFactory = defineExtension({
  kind: "extension",
  type: "bearertokenauth",
  description: "Lets those in who have a token, and sends one along",
  schema,
  create: createExtension,
});
