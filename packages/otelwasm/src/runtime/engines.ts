/** Imported for its effect: registers every engine that is built in. */
import "./v8/factory.ts";
import "./wasmtime/factory.ts";
import "./wazero/factory.ts";
