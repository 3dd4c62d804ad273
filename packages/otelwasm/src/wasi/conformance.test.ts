import { create } from "../runtime/registry.ts";
import "../runtime/engines.ts";
import { wasiSuite } from "./testing/conformance.ts";

wasiSuite("v8", () => create({ type: "v8" }));
