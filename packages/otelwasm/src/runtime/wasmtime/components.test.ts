import { componentSuite } from "../component.suite.ts";
import { create } from "../registry.ts";
import { needsEngine } from "../testing/engines.ts";

componentSuite("wasmtime", () => create({ type: "wasmtime" }), needsEngine("wasmtime"));
