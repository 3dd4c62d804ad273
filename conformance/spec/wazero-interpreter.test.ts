import { capabilitiesOf, create } from "../../packages/otelwasm/src/runtime/registry.ts";
import { needsEngine } from "../../packages/otelwasm/src/runtime/testing/engines.ts";
import { specSuite } from "./suite.ts";

const type = "wazero";
/** Not interruptible, as it has threads then. */
const config = { type, wazero: { mode: "interpreter", interruptible: false } };
specSuite(`${type}, interpreter`, capabilitiesOf(config)!.capabilities, () => create(config), needsEngine(type));
