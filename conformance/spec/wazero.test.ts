import { capabilitiesOf, create } from "../../packages/otelwasm/src/runtime/registry.ts";
import { needsEngine } from "../../packages/otelwasm/src/runtime/testing/engines.ts";
import { specSuite } from "./suite.ts";

const type = "wazero";
for (const mode of ["compiled", "interpreter"]) {
  const config = { type, wazero: { mode } };
  specSuite(`${type}, ${mode}`, capabilitiesOf(config)!.capabilities, () => create(config), needsEngine(type));
}
