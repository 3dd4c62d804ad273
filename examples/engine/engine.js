// An engine for otelwasm, complete: it runs guests on the WebAssembly of the JavaScript engine, and counts their calls. Yours calls a library instead.
// service::engines in config.yaml names this file; every thread that runs guests imports it.
import { BASIC_CAPABILITIES, parseModule, register, resolveImports, WasmError } from "otelwasm/engine";

const capabilities = { ...BASIC_CAPABILITIES, isolations: ["worker", "inline"], endsWithThread: true };

register("counting", {
  capabilities: () => capabilities,
  // Each message starts with the path of what is wrong, below runtime_config::counting.
  validate(config = {}) {
    const issues = Object.keys(config)
      .filter((key) => key !== "print_every")
      .map((key) => `${key}: unknown key; there is print_every`);
    const { print_every = 1 } = config;
    if (!Number.isInteger(print_every) || print_every < 1) issues.push("print_every: must be a whole number above 0");
    return issues;
  },
  describe: () => ({ version: "1.0.0" }),
  async create(config = {}) {
    return new CountingRuntime(config.print_every ?? 1000);
  },
});

class CountingRuntime {
  type = "counting";
  capabilities = capabilities;
  #printEvery;
  #calls = 0;

  constructor(printEvery) {
    this.#printEvery = printEvery;
  }

  async compile(binary) {
    const { imports, exports } = parseModule(binary);
    try {
      return { imports, exports, module: await WebAssembly.compile(binary), async close() {} };
    } catch (cause) {
      throw new WasmError("invalid_module", cause.message, { cause });
    }
  }

  async instantiateWithHost(compiled, hostModule) {
    let memory;
    const imports = {};
    for (const host of resolveImports(compiled.imports, hostModule)) {
      imports[host.moduleName] ??= {};
      imports[host.moduleName][host.functionName] = (...params) => host.function(memory, ...params);
    }
    const { exports } = await WebAssembly.instantiate(compiled.module, imports);
    if (exports.memory !== undefined) memory = memoryOf(exports.memory);
    const instance = {
      memory,
      function: (name) => {
        const item = compiled.exports.find((each) => each.kind === "function" && each.name === name);
        return item && { type: item.type, call: (...params) => this.#call(exports[name], params) };
      },
      async close() {},
    };
    return { instance, context: { async close() {} } };
  }

  async close() {}

  #call(exported, params) {
    if (++this.#calls % this.#printEvery === 0) console.error(`counting: ${this.#calls} calls`);
    try {
      return exported(...params);
    } catch (cause) {
      // A trap, in the words that all engines have; what a host function threw goes on as it is.
      if (!(cause instanceof WebAssembly.RuntimeError)) throw cause;
      throw new WasmError(cause.message === "unreachable" ? "unreachable" : "trap", cause.message, { cause });
    }
  }
}

// Views are made anew each time: growth detaches the buffer that older ones show.
function memoryOf(memory) {
  return {
    get byteLength() {
      return memory.buffer.byteLength;
    },
    bytes: () => new Uint8Array(memory.buffer),
    view: () => new DataView(memory.buffer),
    read: (offset, size) => new Uint8Array(memory.buffer, offset >>> 0, size >>> 0),
    write: (offset, data) => new Uint8Array(memory.buffer).set(data, offset >>> 0),
  };
}
