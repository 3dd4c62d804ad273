import { onEngine } from "../../runtime/testing/own-process.ts";
import { PLUGIN_TESTS } from "./files.ts";

await onEngine("wasmtime", PLUGIN_TESTS);
