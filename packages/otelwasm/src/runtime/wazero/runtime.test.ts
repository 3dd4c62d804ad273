import { contractSuite } from "../contract.suite.ts";
import { featuresSuite } from "../features.suite.ts";
import { capabilitiesOf, create, type RuntimeConfig } from "../registry.ts";
import { needsEngine } from "../testing/engines.ts";
import "../engines.ts";

const CONFIGURATIONS: Readonly<Record<string, RuntimeConfig>> = {
  wazero: { type: "wazero" },
  "wazero, interpreter": { type: "wazero", wazero: { mode: "interpreter" } },
  "wazero, not interruptible": { type: "wazero", wazero: { interruptible: false } },
};

for (const [name, config] of Object.entries(CONFIGURATIONS)) {
  const { capabilities } = capabilitiesOf(config)!;
  contractSuite(name, capabilities, () => create(config), needsEngine("wazero"));
  featuresSuite(name, capabilities, () => create(config), needsEngine("wazero"));
}
