// What happens between parsing and compiling: loops are rewritten, configuration classes get decoders, and a module
// with the plugin's exports is added.
import type { Parser, Source } from "assemblyscript";
import type { Transform } from "assemblyscript/asc";
import { Names } from "./ast.ts";
import { addDecoders } from "./config-classes.ts";
import { rewriteLoops } from "./iteration.ts";
import { pluginModule } from "./plugin-classes.ts";

const USER_DEFINED_ERROR = 102;

/** @param entry the author's entry file, as a path below the base folder */
export function pluginTransform(entry: string): Transform {
  const internalPath = entry.replace(/\.ts$/, "");
  const afterParse = (parser: Parser): void => {
    const own = parser.sources.filter((source) => !source.isLibrary);
    const main = own.find((source) => source.internalPath === internalPath);
    if (main === undefined) return;
    for (const source of own) rewriteLoops(source);
    const names = new Names(parser.sources);
    addDecoders(own, names);
    const module = pluginModule(main, names);
    if ("problems" in module) {
      for (const { message, range } of module.problems) parser.error(USER_DEFINED_ERROR, range, message);
      return;
    }
    parser.parseFile(module.text, modulePath(main), true);
  };
  const hooks: Partial<Transform> = { afterParse };
  // The compiler calls the hooks that it finds; the other members are what it offers to a class.
  return hooks as Transform;
}

function modulePath(entry: Source): string {
  const folder = entry.normalizedPath.slice(0, entry.normalizedPath.lastIndexOf("/") + 1);
  return `${folder}~otelwasm.ts`;
}
