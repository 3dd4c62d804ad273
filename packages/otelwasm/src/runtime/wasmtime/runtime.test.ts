import { contractSuite } from "../contract.suite.ts";
import type { Runtime } from "../contract.ts";
import { featuresSuite } from "../features.suite.ts";
import { capabilitiesOf, create } from "../registry.ts";
import { needsEngine } from "../testing/engines.ts";
import "../engines.ts";

const { capabilities } = capabilitiesOf({ type: "wasmtime" })!;
const createRuntime = (): Promise<Runtime> => create({ type: "wasmtime" });

contractSuite("wasmtime", capabilities, createRuntime, needsEngine("wasmtime"));
featuresSuite("wasmtime", capabilities, createRuntime, needsEngine("wasmtime"));
