import { describe } from "node:test";
import { create } from "../runtime/registry.ts";
import { needsEngine } from "../runtime/testing/engines.ts";
import { wasiSuite } from "./testing/conformance.ts";

describe("WASI on wazero", needsEngine("wazero"), () => {
  wasiSuite("wazero", () => create({ type: "wazero" }));
});
