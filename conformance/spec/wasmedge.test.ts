import { capabilitiesOf, create } from "../../packages/otelwasm/src/runtime/registry.ts";
import { inOwnProcess } from "../../packages/otelwasm/src/runtime/testing/own-process.ts";
import { specSuite } from "./suite.ts";

const type = "wasmedge";

await inOwnProcess(type, import.meta.filename, () => {
  specSuite(type, capabilitiesOf({ type })!.capabilities, () => create({ type }));
});
