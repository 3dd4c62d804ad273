import { create } from "../runtime/registry.ts";
import "../runtime/engines.ts";
import { pinByPath } from "./files/pin.ts";
import { wasiSuite } from "./testing/conformance.ts";

wasiSuite("v8", () => create({ type: "v8" }));
// What other platforms than Linux do, as far as Linux can show it.
wasiSuite("v8, files by their paths", () => create({ type: "v8" }), pinByPath);
