import type { FunctionType, Value, ValueType } from "../contract.ts";
import { WasmError } from "../errors.ts";

/** Parameters and results as engines take them: one slot of memory each, of eight bytes or more, little-endian. What is shorter fills its slot with zeros: an interpreter may look at all of it. */
export function writeValue(view: DataView, offset: number, type: ValueType, value: Value): void {
  switch (type) {
    case "i32":
      view.setInt32(offset, value as number, true);
      view.setInt32(offset + 4, 0);
      return;
    case "i64":
      view.setBigInt64(offset, value as bigint, true);
      return;
    case "f32":
      view.setFloat32(offset, value as number, true);
      view.setInt32(offset + 4, 0);
      return;
    case "f64":
      view.setFloat64(offset, value as number, true);
  }
}

export function readValue(view: DataView, offset: number, type: ValueType): Value {
  switch (type) {
    case "i32":
      return view.getInt32(offset, true);
    case "i64":
      return view.getBigInt64(offset, true);
    case "f32":
      return view.getFloat32(offset, true);
    case "f64":
      return view.getFloat64(offset, true);
  }
}

/** A type that values of the contract can be given for. @throws WasmError `unsupported` for the others, which no guest of a plugin exports */
export function numberTypes(
  { params, results }: FunctionType,
  name: string,
): {
  readonly params: readonly ValueType[];
  readonly results: readonly ValueType[];
} {
  const check = (types: FunctionType["params"]): ValueType[] =>
    types.map((type) => {
      if (type === "v128" || type === "ref")
        throw new WasmError("unsupported", `${name} has a parameter or result of type ${type}`);
      return type;
    });
  return { params: check(params), results: check(results) };
}

/** What a call gives, as the contract has it. */
export function resultOf(
  view: DataView,
  slot: number,
  results: readonly ValueType[],
): Value | readonly Value[] | undefined {
  if (results.length === 1) return readValue(view, 0, results[0]!);
  if (results.length === 0) return undefined;
  return results.map((type, index) => readValue(view, slot * index, type));
}
