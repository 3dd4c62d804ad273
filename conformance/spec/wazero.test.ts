import { capabilitiesOf, create } from "../../packages/otelwasm/src/runtime/registry.ts";
import { needsEngine } from "../../packages/otelwasm/src/runtime/testing/engines.ts";
import { specSuite } from "./suite.ts";

const type = "wazero";
specSuite(type, capabilitiesOf({ type })!.capabilities, () => create({ type }), needsEngine(type));
