import { contractSuite } from "../contract.suite.ts";
import { capabilitiesOf, create } from "../registry.ts";
import { inOwnProcess } from "../testing/own-process.ts";
import "../engines.ts";

await inOwnProcess("wasmedge", import.meta.filename, () => {
  contractSuite("wasmedge", capabilitiesOf({ type: "wasmedge" })!.capabilities, () => create({ type: "wasmedge" }));
});
