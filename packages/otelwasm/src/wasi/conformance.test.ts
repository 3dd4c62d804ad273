import { create } from "../runtime/registry.ts";
import "../runtime/engines.ts";
import { needsEngine } from "../runtime/testing/engines.ts";
import { PIN, pinByPath } from "./files/pin.ts";
import { wasiSuite } from "./testing/conformance.ts";

for (const type of ["v8", "wasmtime", "wazero"]) wasiSuite(type, () => create({ type }), PIN, needsEngine(type));
// What other platforms than Linux do, as far as Linux can show it.
wasiSuite("v8, files by their paths", () => create({ type: "v8" }), pinByPath);
