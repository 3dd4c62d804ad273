/** Registers every engine that is built in, when it is imported. */
import { list } from "./registry.ts";
import "./v8/factory.ts";
import "./wasmedge/factory.ts";
import "./wasmtime/factory.ts";
import "./wazero/factory.ts";

export const BUILT_IN: readonly string[] = list();
