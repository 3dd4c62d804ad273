/** Where engines do something else than the specification's tests have, and why: what is not named here must pass, and what is named must not. */

import type { RuntimeFeatures } from "../../packages/otelwasm/src/runtime/contract.ts";

interface Deviation {
  readonly reason: string;
  /** As they are registered. */
  readonly engines: readonly string[];
  /** False where it does not come to that with a limit of memory. */
  readonly limited?: false;
  /** The lines of each script. */
  readonly at: Readonly<Record<string, readonly number[]>>;
}

const V8 = "v8";
const WASMTIME = "wasmtime";
const WAZERO = "wazero";
const WASMEDGE = "wasmedge";

/** Where what a script does with two lanes of NaN begins; each assertion has three lines. */
function vectorsWithNaN(first: number): number[] {
  const lines = (from: number, count: number): number[] =>
    Array.from({ length: count }, (_, index) => from + 3 * index);
  return [...lines(first, 2), ...lines(first + 60, 18), ...lines(first + 120, 18), ...lines(first + 180, 2)];
}

/** What scripts need besides version 2 without vectors. Where an engine has not all of it, they are left out. */
export const NEEDS: readonly {
  /** Their folder, or what they begin with. */
  readonly scripts: string;
  readonly features: readonly (keyof RuntimeFeatures)[];
  /** Without what they are about, for which there is no feature in the table. */
  readonly without?: readonly string[];
}[] = [
  { scripts: "exception-handling/", features: ["exceptions"] },
  { scripts: "gc/", features: ["gc"] },
  { scripts: "memory64/", features: ["memory64"] },
  { scripts: "multi-memory/", features: [], without: [WAZERO, WASMEDGE] },
  { scripts: "tail-call/", features: ["tailCalls"] },
  { scripts: "threads/", features: ["threads"] },
  { scripts: "v2/simd_", features: ["simd"] },
  { scripts: "v3/", features: ["exceptions", "gc", "memory64", "tailCalls"] },
];

export const DEVIATIONS: readonly Deviation[] = [
  {
    reason: "a function may have several results since version 2",
    engines: [V8, WASMTIME, WAZERO, WASMEDGE],
    at: { "v1/func": [493, 497], "v1/type": [53, 57] },
  },
  {
    reason: "a module may have several tables since version 2",
    engines: [V8, WASMTIME, WAZERO, WASMEDGE],
    at: { "v1/imports": [310, 314, 318] },
  },
  {
    reason: "in code that is never reached, the targets of `br_table` may differ in type since version 2",
    engines: [V8, WASMTIME, WAZERO, WASMEDGE],
    at: { "v1/unreached-invalid": [539] },
  },
  {
    reason: "a module may have several memories since version 3, and instructions name one where a zero was",
    engines: [V8, WASMTIME],
    at: {
      "v1/binary": [163, 183, 202, 221, 260, 279, 297, 315],
      "v1/imports": [405, 409, 413],
      "v1/memory": [8, 9],
      "v2/binary": [146, 166, 185, 204, 243, 262, 280, 298],
      "v2/imports": [488, 492, 496],
      "v2/memory": [10, 11],
      "memory64/binary": [877, 897, 916, 935, 974, 993, 1011, 1029],
      "memory64/memory": [10, 11],
      "memory64/memory64": [8, 9],
    },
  },
  {
    reason: "the offset of a load or store may have 64 bits since version 3",
    engines: [V8, WASMTIME],
    at: { "v1/binary-leb128": [404, 461] },
  },
  {
    reason: "a constant expression may read any global before it since version 3",
    engines: [V8, WASMTIME],
    at: { "v2/data": [89, 93], "v2/elem": [171, 175], "v2/global": [352, 356] },
  },
  {
    reason:
      "a constant expression may read any global before it since version 3; wazero takes that in segments of tables",
    engines: [WAZERO],
    at: { "v2/elem": [171, 175] },
  },
  {
    reason: "wazero takes a constant expression that reads an imported global that can change",
    engines: [WAZERO],
    at: {
      "extended-const/global": [350],
      "typed-function-references/elem": [807, 833],
      "v2/data": [470, 496],
      "v2/elem": [458, 484],
      "v2/global": [371],
    },
  },
  {
    reason: "wazero takes modules that import several memories; the contract gives no module such imports",
    engines: [WAZERO],
    at: { "v1/imports": [405], "v2/imports": [488] },
  },
  {
    reason: "the adapter calls the start function as an export, which declares it for `ref.func`",
    engines: [WAZERO],
    at: { "typed-function-references/ref_func": [113], "v2/ref_func": [113] },
  },
  {
    reason:
      "WasmEdge leaves a signalling NaN as it is when it rounds, and takes the smaller or larger of vectors' lanes",
    engines: [WASMEDGE],
    at: {
      "v1/f32": [2456, 2458, 2476, 2478, 2496, 2498],
      "v1/f64": [2456, 2458, 2476, 2478, 2496, 2498],
      "v2/f32": [2456, 2458, 2476, 2478, 2496, 2498],
      "v2/f64": [2456, 2458, 2476, 2478, 2496, 2498],
      "v2/simd_f32x4": [994, 2077].flatMap(vectorsWithNaN),
      "v2/simd_f32x4_rounding": [95, 97, 183, 185, 271, 273],
      "v2/simd_f64x2": [977, 2060].flatMap(vectorsWithNaN),
      "v2/simd_f64x2_rounding": [95, 97, 183, 185, 271, 273],
    },
  },
  {
    reason: "WasmEdge takes references that may be null for a table of such as may not",
    engines: [WASMEDGE],
    at: { "typed-function-references/elem": [508, 516] },
  },
  {
    reason: "a type may refer to itself since version 3",
    engines: [V8, WASMTIME],
    at: { "typed-function-references/type-equivalence": [31] },
  },
  {
    reason:
      "V8 has one message for a float that is beyond the range of integers and for NaN: invalid_conversion, not integer_overflow",
    engines: [V8],
    at: {
      "v1/conversions": [
        70, 71, 72, 73, 92, 93, 94, 95, 115, 116, 117, 118, 138, 139, 140, 141, 142, 143, 144, 166, 167, 168, 169, 186,
        187, 188, 189, 211, 212, 213, 214, 235, 236, 237, 238,
      ],
      "v2/conversions": [
        78, 79, 80, 81, 100, 101, 102, 103, 125, 126, 127, 128, 150, 151, 152, 153, 154, 155, 156, 178, 179, 180, 181,
        198, 199, 200, 201, 223, 224, 225, 226, 247, 248, 249, 250,
      ],
      "v3/conversions": [
        78, 79, 80, 81, 100, 101, 102, 103, 125, 126, 127, 128, 150, 151, 152, 153, 154, 155, 156, 178, 179, 180, 181,
        198, 199, 200, 201, 223, 224, 225, 226, 247, 248, 249, 250,
      ],
    },
  },
  {
    reason: "of an array and a segment that are both too short, V8 names the segment",
    engines: [V8],
    limited: false,
    at: { "gc/array_init_elem": [92, 93] },
  },
  {
    reason:
      "the contract compares the parameters and results of an import with those of the host's function, and not what their types are declared as",
    engines: [V8, WASMTIME],
    at: { "gc/type-subtyping": [603, 611, 660, 753, 768], "v3/type-rec": [149, 157] },
  },
];

/** The lines of a script that an engine is expected to fail at, with the reasons. */
export function expectedFailures(engine: string, script: string, limited: boolean): ReadonlyMap<number, string> {
  return new Map(
    DEVIATIONS.filter((each) => each.engines.includes(engine) && !(limited && each.limited === false)).flatMap(
      ({ at, reason }) => (at[script] ?? []).map((line) => [line, reason] as const),
    ),
  );
}
