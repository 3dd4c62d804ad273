/**
 * The two directions across the boundary, by the number of parameters: rest parameters and spreads would allocate an array for each call.
 */
import type { FunctionInstance, FunctionType, HostFunction, Memory, Value } from "../contract.ts";
import { WasmError } from "../errors.ts";
import { fromTrap } from "./errors.ts";
import type { JsFunction } from "./webassembly.ts";

/** A function of the guest, until it is closed. */
export interface ExportedFunction extends FunctionInstance {
  close(): void;
}

export function exportedFunction(type: FunctionType, exported: JsFunction): ExportedFunction {
  switch (type.params.length) {
    case 0:
      return new Function0(type, exported);
    case 1:
      return new Function1(type, exported);
    case 2:
      return new Function2(type, exported);
    case 3:
      return new Function3(type, exported);
    default:
      return new FunctionN(type, exported);
  }
}

function closed(): never {
  throw new WasmError("closed");
}

abstract class Exported {
  readonly type: FunctionType;
  protected target: JsFunction;

  constructor(type: FunctionType, target: JsFunction) {
    this.type = type;
    this.target = target;
  }

  close(): void {
    this.target = closed;
  }
}

class Function0 extends Exported implements ExportedFunction {
  call(): ReturnType<FunctionInstance["call"]> {
    const { target } = this;
    try {
      return target();
    } catch (error) {
      throw fromTrap(error);
    }
  }
}

class Function1 extends Exported implements ExportedFunction {
  call(a: Value): ReturnType<FunctionInstance["call"]> {
    const { target } = this;
    try {
      return target(a);
    } catch (error) {
      throw fromTrap(error);
    }
  }
}

class Function2 extends Exported implements ExportedFunction {
  call(a: Value, b: Value): ReturnType<FunctionInstance["call"]> {
    const { target } = this;
    try {
      return target(a, b);
    } catch (error) {
      throw fromTrap(error);
    }
  }
}

class Function3 extends Exported implements ExportedFunction {
  call(a: Value, b: Value, c: Value): ReturnType<FunctionInstance["call"]> {
    const { target } = this;
    try {
      return target(a, b, c);
    } catch (error) {
      throw fromTrap(error);
    }
  }
}

class FunctionN extends Exported implements ExportedFunction {
  call(...params: Value[]): ReturnType<FunctionInstance["call"]> {
    const { target } = this;
    try {
      return target(...params);
    } catch (error) {
      throw fromTrap(error);
    }
  }
}

/** What the guest imports for a host function: gets the memory first. */
export function importedFunction(host: HostFunction, memory: Memory): JsFunction {
  const run = host.function;
  switch (host.params.length) {
    case 0:
      return () => run(memory);
    case 1:
      return (a?: Value) => run(memory, a!);
    case 2:
      return (a?: Value, b?: Value) => run(memory, a!, b!);
    case 3:
      return (a?: Value, b?: Value, c?: Value) => run(memory, a!, b!, c!);
    case 4:
      return (a?: Value, b?: Value, c?: Value, d?: Value) => run(memory, a!, b!, c!, d!);
    case 5:
      return (a?: Value, b?: Value, c?: Value, d?: Value, e?: Value) => run(memory, a!, b!, c!, d!, e!);
    case 6:
      return (a?: Value, b?: Value, c?: Value, d?: Value, e?: Value, f?: Value) => run(memory, a!, b!, c!, d!, e!, f!);
    default:
      return (...params: Value[]) => run(memory, ...params);
  }
}
