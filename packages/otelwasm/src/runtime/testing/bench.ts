import assert from "node:assert/strict";
import type {
  CompiledModule,
  Context,
  HostFunction,
  Memory,
  ModuleInstance,
  Runtime,
  Value,
  ValueType,
} from "../contract.ts";
import { WasmError, type WasmErrorCode } from "../errors.ts";
import { wat } from "./wat.ts";

/** A host function of module `env`. */
export function host(
  functionName: string,
  params: readonly ValueType[],
  results: readonly ValueType[],
  implementation: (memory: Memory, ...params: Value[]) => Value | undefined,
): HostFunction {
  return { moduleName: "env", functionName, params, results, function: implementation };
}

export function hasCode(code: WasmErrorCode, message?: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof WasmError, `not a WasmError: ${error}`);
    assert.equal(error.code, code, error.message);
    if (message !== undefined) assert.match(error.message, message);
    return true;
  };
}

interface Made {
  readonly instance: ModuleInstance;
  readonly context: Context;
}

/** Makes instances of modules in the text format, and closes everything when the suite ends. */
export class Bench {
  readonly runtime: Runtime;
  readonly #made: Made[] = [];

  constructor(runtime: Runtime) {
    this.runtime = runtime;
  }

  async instantiate(text: string, ...functions: HostFunction[]): Promise<ModuleInstance> {
    return this.instantiateModule(await this.runtime.compile(wat(text)), ...functions);
  }

  async instantiateModule(module: CompiledModule, ...functions: HostFunction[]): Promise<ModuleInstance> {
    const made = await this.runtime.instantiateWithHost(module, { functions });
    this.#made.push(made);
    return made.instance;
  }

  async close(): Promise<void> {
    for (const { instance, context } of this.#made) {
      await instance.close();
      await context.close();
    }
    await this.runtime.close();
  }
}

export function call(instance: ModuleInstance, name: string, ...params: Value[]): ReturnType<CallResult> {
  const exported = instance.function(name);
  assert.ok(exported, `no function ${name}`);
  return exported.call(...params);
}
type CallResult = () => Value | readonly Value[] | undefined;
