import { type RuntimeFactory, register } from "../registry.ts";
import { V8_CAPABILITIES, V8Runtime } from "./runtime.ts";

const factory: RuntimeFactory = {
  capabilities: () => V8_CAPABILITIES,
  describe: () => ({ version: process.versions.v8 }),
  validate(config) {
    return Object.keys(config ?? {}).map((key) => `${key}: unknown key; v8 has no options`);
  },
  async create() {
    return new V8Runtime();
  },
};

register("v8", factory);
