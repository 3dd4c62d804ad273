/** A script of the specification's tests as `wast2json` writes it: https://github.com/WebAssembly/wabt/blob/main/docs/wast2json.md */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** Numbers are their bits in decimal, as text. */
export type ScriptValue =
  | { readonly type: "i32" | "i64" | "f32" | "f64"; readonly value: string }
  | { readonly type: "v128"; readonly lane_type: LaneType; readonly value: readonly string[] }
  | { readonly type: "externref" | "funcref" | "exnref" | "refnull"; readonly value?: string };

export type LaneType = "i8" | "i16" | "i32" | "i64" | "f32" | "f64";

export interface Action {
  readonly type: "invoke" | "get";
  /** A name that a module was given; without it, the last module is meant. */
  readonly module?: string;
  readonly field: string;
  readonly args?: readonly ScriptValue[];
}

interface OfModule {
  readonly line: number;
  readonly filename: string;
  readonly module_type?: "binary" | "text";
}

interface OfAction {
  readonly line: number;
  readonly action: Action;
}

export type Command =
  | ({ readonly type: "module"; readonly name?: string } & OfModule)
  | ({
      readonly type: "assert_invalid" | "assert_malformed" | "assert_unlinkable" | "assert_uninstantiable";
      readonly text: string;
    } & OfModule)
  | { readonly type: "register"; readonly line: number; readonly name?: string; readonly as: string }
  | ({ readonly type: "action" | "assert_exception" } & OfAction)
  | ({ readonly type: "assert_return"; readonly expected: readonly ScriptValue[] } & OfAction)
  | ({ readonly type: "assert_trap" | "assert_exhaustion"; readonly text: string } & OfAction);

export type ActionCommand = Extract<Command, { action: Action }>;

export interface Script {
  readonly commands: readonly Command[];
  binary(filename: string): Uint8Array;
}

/** @param path of the JSON file; its modules lie beside it */
export function readScript(path: string): Script {
  // What the pinned package holds is known; nothing else is read by this.
  const { commands } = JSON.parse(readFileSync(path, "utf8")) as { commands: Command[] };
  return { commands, binary: (filename) => readFileSync(join(dirname(path), filename)) };
}
