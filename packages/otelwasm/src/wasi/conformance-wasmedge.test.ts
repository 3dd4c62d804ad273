import { create } from "../runtime/registry.ts";
import { inOwnProcess } from "../runtime/testing/own-process.ts";
import "../runtime/engines.ts";
import { wasiSuite } from "./testing/conformance.ts";

await inOwnProcess("wasmedge", import.meta.filename, () => {
  wasiSuite("wasmedge", () => create({ type: "wasmedge" }));
});
