import type { ComponentFunction, ComponentHost, ComponentInstance, ComponentValue } from "../component.ts";
import { WasmError } from "../errors.ts";
import { type Address, NativeBlock, NULL } from "../native/ffi.ts";
import { componentHosts } from "./component-hosts.ts";
import { type ComponentCalls, componentCalls, withText } from "./component-library.ts";
import { type FunctionShape, functionShape } from "./component-types.ts";
import { unwrapResult, VALUE_SIZE, writeValue } from "./component-values.ts";
import { fromLink } from "./errors.ts";
import type { WasmtimeStore } from "./store.ts";

/** `sizeof(wasmtime_component_instance_t)`, `sizeof(wasmtime_component_func_t)` */
const INSTANCE_SIZE = 16;
const FUNCTION_SIZE = 32;

export class WasmtimeComponentInstance implements ComponentInstance {
  readonly #store: WasmtimeStore;
  readonly #calls: ComponentCalls;
  readonly #component: Address;
  readonly #instance: NativeBlock;
  readonly #hosts: number[] = [];
  readonly #functions = new Map<string, ComponentFunction | undefined>();

  /**
   * @param store the instance's from now on
   * @param component good as long as the instance
   * @throws WasmError, see `ComponentRuntime.instantiate`
   */
  constructor(store: WasmtimeStore, engine: Address, component: Address, host: ComponentHost) {
    this.#store = store;
    this.#calls = componentCalls(store.library);
    this.#component = component;
    this.#instance = store.keep(new NativeBlock(INSTANCE_SIZE));
    const linker = this.#calls.wasmtime_component_linker_new(engine);
    try {
      this.#define(linker, host);
      this.#instantiate(linker);
    } catch (error) {
      this.#release();
      throw error;
    } finally {
      this.#calls.wasmtime_component_linker_delete(linker);
    }
  }

  function(interfaceName: string, name: string): ComponentFunction | undefined {
    const key = `${interfaceName}#${name}`;
    if (!this.#functions.has(key)) this.#functions.set(key, this.#find(interfaceName, name));
    return this.#functions.get(key);
  }

  async close(): Promise<void> {
    this.#release();
  }

  #release(): void {
    this.#store.close();
    const hosts = componentHosts(this.#store.library);
    for (const number of this.#hosts.splice(0)) hosts.remove(number);
  }

  #define(linker: Address, host: ComponentHost): void {
    const { library, state } = this.#store;
    const hosts = componentHosts(library);
    const calls = this.#calls;
    const root = calls.wasmtime_component_linker_root(linker);
    for (const [interfaceName, functions] of Object.entries(host)) {
      const part = this.#expect(
        withText(interfaceName, (address, size) =>
          calls.wasmtime_component_linker_instance_add_instance(root, address, size, library.out.address),
        ),
        library.out,
      );
      for (const [name, implementation] of Object.entries(functions)) {
        const number = hosts.add(implementation, state);
        this.#hosts.push(number);
        this.#expect(
          withText(name, (address, size) =>
            calls.wasmtime_component_linker_instance_add_func(part, address, size, hosts.callback, number, NULL),
          ),
        );
      }
      calls.wasmtime_component_linker_instance_delete(part);
    }
    calls.wasmtime_component_linker_instance_delete(root);
  }

  /** @returns what was written to `out` @throws WasmError `link` */
  #expect(error: Address, out?: NativeBlock): Address {
    if (error !== NULL) throw fromLink(this.#store.library.takeError(error));
    return out === undefined ? NULL : Number(out.view.getBigUint64(0, true));
  }

  #instantiate(linker: Address): void {
    const store = this.#store;
    store.enter();
    const error = this.#calls.wasmtime_component_linker_instantiate(
      linker,
      store.context,
      this.#component,
      this.#instance.address,
    );
    store.leave();
    if (error !== NULL) throw store.failure(error, NULL, fromLink);
  }

  #find(interfaceName: string, name: string): ComponentFunction | undefined {
    const store = this.#store;
    if (store.state.closed) throw new WasmError("closed");
    const calls = this.#calls;
    const index = (parent: Address, text: string): Address =>
      withText(text, (address, size) =>
        calls.wasmtime_component_get_export_index(this.#component, parent, address, size),
      );
    const instance = index(NULL, interfaceName);
    if (instance === NULL) return undefined;
    const exported = index(instance, name);
    calls.wasmtime_component_export_index_delete(instance);
    if (exported === NULL) return undefined;
    const func = store.keep(new NativeBlock(FUNCTION_SIZE));
    const found: unknown = calls.wasmtime_component_instance_get_func(
      this.#instance.address,
      store.context,
      exported,
      func.address,
    );
    calls.wasmtime_component_export_index_delete(exported);
    if (found === false) return undefined;
    const type = calls.wasmtime_component_func_type(func.address, store.context);
    const shape = functionShape(calls, type);
    calls.wasmtime_component_func_type_delete(type);
    return (...params) => this.#call(func.address, shape, params);
  }

  #call(func: Address, { params: shapes, result }: FunctionShape, params: readonly ComponentValue[]): ComponentValue {
    const store = this.#store;
    const calls = this.#calls;
    const values = new NativeBlock(VALUE_SIZE * (shapes.length + 1));
    const { address } = values;
    const resultAt = address + VALUE_SIZE * shapes.length;
    try {
      for (const [index, shape] of shapes.entries())
        writeValue(calls, address + VALUE_SIZE * index, shape, params[index]);
      store.enter();
      const results = result === undefined ? 0 : 1;
      const error = calls.wasmtime_component_func_call(func, store.context, address, shapes.length, resultAt, results);
      store.leave();
      if (error !== NULL) throw store.failure(error, NULL);
      return unwrapResult(resultAt, result);
    } finally {
      for (let index = 0; index <= shapes.length; index++)
        calls.wasmtime_component_val_delete(address + VALUE_SIZE * index);
      values.free();
    }
  }
}
