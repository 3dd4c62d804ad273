/** Values of scripts, as the contract has them, and as bits where that says too little. */
import type { FunctionType, Value, ValueType } from "../../packages/otelwasm/src/runtime/contract.ts";
import type { LaneType, ScriptValue } from "./script.ts";

type NumberValue = Extract<ScriptValue, { type: ValueType }>;
type VectorValue = Extract<ScriptValue, { type: "v128" }>;
/** All but references. */
export type PlainValue = NumberValue | VectorValue;

export function isPlain(value: ScriptValue): value is PlainValue {
  return value.type === "v128" || isNumber(value);
}

export function isNumber(value: ScriptValue): value is NumberValue {
  return value.type === "i32" || value.type === "i64" || value.type === "f32" || value.type === "f64";
}

const view = new DataView(new ArrayBuffer(8));

/** The widths of the parts that a value is compared by, in bits. */
const WIDTHS: Readonly<Record<LaneType, number>> = { i8: 8, i16: 16, i32: 32, i64: 64, f32: 32, f64: 64 };

function bitsOf(text: string, type: LaneType): bigint {
  return BigInt.asUintN(WIDTHS[type], BigInt(text));
}

/** Whether the contract's numbers cannot tell it from others: JavaScript has one NaN, and no vectors. */
export function needsBits(value: ScriptValue): boolean {
  if (value.type === "v128") return true;
  return (value.type === "f32" || value.type === "f64") && (value.value.startsWith("nan:") || isNan(value));
}

function isNan({ type, value }: { type: ScriptValue["type"]; value: string }): boolean {
  const number = type === "f32" ? toNumber("f32", bitsOf(value, "f32")) : toNumber("f64", bitsOf(value, "f64"));
  return Number.isNaN(number);
}

function toNumber(type: ValueType, bits: bigint): Value {
  switch (type) {
    case "i32":
      return Number(BigInt.asIntN(32, bits));
    case "i64":
      return BigInt.asIntN(64, bits);
    case "f32":
      view.setUint32(0, Number(bits));
      return view.getFloat32(0);
    case "f64":
      view.setBigUint64(0, bits);
      return view.getFloat64(0);
  }
}

/** As a parameter of the contract. */
export function toValue(value: NumberValue): Value {
  return toNumber(value.type, bitsOf(value.value, value.type));
}

/** As parameters of a function of `withBits`: each an integer, a vector two. */
export function toBits(value: PlainValue): Value[] {
  if (value.type !== "v128") {
    const integer = value.type === "f32" ? "i32" : value.type === "f64" ? "i64" : value.type;
    return [toNumber(integer, bitsOf(value.value, value.type))];
  }
  const width = WIDTHS[value.lane_type];
  const all = value.value.reduce(
    (sum, lane, index) => sum | (bitsOf(lane, value.lane_type) << BigInt(width * index)),
    0n,
  );
  return [BigInt.asIntN(64, all), BigInt.asIntN(64, all >> 64n)];
}

/** The types that `toBits` gives for a type. */
export function bitsType(type: FunctionType["params"][number]): ValueType[] {
  switch (type) {
    case "f32":
      return ["i32"];
    case "f64":
      return ["i64"];
    case "v128":
      return ["i64", "i64"];
    case "ref":
      throw new Error("a reference has no bits");
    default:
      return [type];
  }
}

/** What is wrong with results, in words; `undefined` if they are as expected. */
export function differenceOfValues(got: readonly Value[], expected: readonly NumberValue[]): string | undefined {
  const want = expected.map(toValue);
  const same = got.length === want.length && want.every((value, index) => Object.is(value, got[index]));
  return same ? undefined : `returned ${show(got)}, not ${show(want)}`;
}

/** The same, of a function of `withBits`. */
export function differenceOfBits(got: readonly Value[], expected: readonly PlainValue[]): string | undefined {
  let index = 0;
  const take = (type: "i32" | "i64"): bigint => {
    const value = got[index++];
    if (typeof value !== (type === "i32" ? "number" : "bigint")) throw new Error(`${type} came as ${value}`);
    return BigInt.asUintN(type === "i32" ? 32 : 64, BigInt(value!));
  };
  const same = expected.every((value) => {
    if (value.type !== "v128")
      return sameLane(take(value.type === "i32" || value.type === "f32" ? "i32" : "i64"), value.value, value.type);
    const all = take("i64") | (take("i64") << 64n);
    const width = WIDTHS[value.lane_type];
    return value.value.every((lane, at) =>
      sameLane(BigInt.asUintN(width, all >> BigInt(width * at)), lane, value.lane_type),
    );
  });
  if (same && index === got.length) return undefined;
  return `returned the bits ${show(got)}, not ${expected.map(({ value }) => [value].flat().join(" ")).join(", ")}`;
}

/** https://webassembly.github.io/spec/core/syntax/values.html#floating-point: the sign of a NaN is never promised. */
function sameLane(bits: bigint, expected: string, type: LaneType): boolean {
  if (!expected.startsWith("nan:")) return bits === bitsOf(expected, type);
  const canonical = type === "f32" ? 0x7fc00000n : 0x7ff8000000000000n;
  const unsigned = BigInt.asUintN(WIDTHS[type] - 1, bits);
  return expected === "nan:canonical" ? unsigned === canonical : (unsigned & canonical) === canonical;
}

function show(values: readonly Value[]): string {
  return values.length === 0
    ? "nothing"
    : values.map((value) => (Object.is(value, -0) ? "-0" : String(value))).join(", ");
}
