// What happens between parsing and compiling: loops are rewritten, configuration classes get decoders, and a module
// with the plugin's exports is added.
import type { Parser, Program, Source } from "assemblyscript";
import type { Transform } from "assemblyscript/asc";
import { Names } from "./ast.ts";
import { rewriteBatches } from "./batches.ts";
import { addDecoders } from "./config-classes.ts";
import { rewriteLoops } from "./iteration.ts";
import { pluginModule } from "./plugin-classes.ts";

const USER_DEFINED_ERROR = 102;
const MINIMAL_RUNTIME = 1;

/** @param entry the author's entry file, as a path below the base folder */
export function pluginTransform(entry: string): Transform {
  const internalPath = entry.replace(/\.ts$/, "");
  let receives = false;
  const afterParse = (parser: Parser): void => {
    // In time for AssemblyScript's library: its containers ask whether new objects are filled with zeros.
    if (parser.options === null) throw new Error("the compiler's options are not there: is this AssemblyScript 0.28?");
    parser.options.runtime = MINIMAL_RUNTIME;
    const own = parser.sources.filter((source) => !source.isLibrary && !source.internalPath.startsWith("~"));
    const main = own.find((source) => source.internalPath === internalPath);
    if (main === undefined) return;
    for (const source of own) rewriteLoops(source);
    const names = new Names(parser.sources);
    for (const { message, range } of own.flatMap((source) => rewriteBatches(source, names)))
      parser.error(USER_DEFINED_ERROR, range, message);
    addDecoders(own, names);
    const module = pluginModule(main, names);
    if ("problems" in module) {
      for (const { message, range } of module.problems) parser.error(USER_DEFINED_ERROR, range, message);
      return;
    }
    receives = module.receives;
    parser.parseFile(module.text, modulePath(main), true);
  };
  const hooks: Partial<Transform> = {
    afterParse,
    afterInitialize: (program) => useRuntime(program, receives),
  };
  // The compiler calls the hooks that it finds; the other members are what it offers to a class.
  return hooks as Transform;
}

/** Deep recursion in a receiver ends with a message when this is used up, in bytes: four for each object on the stack. */
const SHADOW_STACK = 64 * 1024;

/**
 * The SDK's runtime collects between calls, so the compiler need not keep a list of what is on the stack; unless there is
 * a receiver, whose call does not end.
 */
function useRuntime(program: Program, receives: boolean): void {
  program.options.stackSize = receives ? SHADOW_STACK : 0;
  program.module.useShadowStack = receives;
}

function modulePath(entry: Source): string {
  const folder = entry.normalizedPath.slice(0, entry.normalizedPath.lastIndexOf("/") + 1);
  return `${folder}~otelwasm.ts`;
}
