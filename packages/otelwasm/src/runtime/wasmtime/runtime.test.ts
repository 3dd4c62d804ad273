import { contractSuite } from "../contract.suite.ts";
import { capabilitiesOf, create } from "../registry.ts";
import { needsEngine } from "../testing/engines.ts";
import "../engines.ts";

contractSuite(
  "wasmtime",
  capabilitiesOf({ type: "wasmtime" })!.capabilities,
  () => create({ type: "wasmtime" }),
  needsEngine("wasmtime"),
);
