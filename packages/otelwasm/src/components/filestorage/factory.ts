import { defineExtension, type ExtensionFactory } from "../../component/factory.ts";
import { schema } from "./config.ts";
import { createExtension } from "./extension.ts";

export const fileStorageExtension: ExtensionFactory = defineExtension({
  kind: "extension",
  type: "file_storage",
  description: "Keeps what exporters have queued in a directory, over restarts and crashes",
  schema,
  create: createExtension,
});
