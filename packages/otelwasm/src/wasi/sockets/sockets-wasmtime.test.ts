import { needsEngine } from "../../runtime/testing/engines.ts";
import { socketsSuite } from "./sockets.suite.ts";

socketsSuite("wasmtime", needsEngine("wasmtime"));
