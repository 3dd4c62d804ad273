import { create } from "../runtime/registry.ts";
import { needsEngine } from "../runtime/testing/engines.ts";
import { PIN } from "./files/pin.ts";
import { wasiSuite } from "./testing/conformance.ts";

wasiSuite("wazero", () => create({ type: "wazero" }), PIN, needsEngine("wazero"));
