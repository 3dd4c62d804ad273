/** Which exports of each module a script needs to see the bits of. */
import type { Wanted } from "./bits.ts";
import type { ActionCommand, Command } from "./script.ts";
import { isPlain, needsBits } from "./values.ts";

/** By what the script says of it; a function with vectors needs it in any case. Globals cannot be read through the contract, so that they, too, are seen by their bits. */
export function usesBits(command: ActionCommand): boolean {
  const { action } = command;
  if (action.type === "get" || (action.args ?? []).some(needsBits)) return true;
  return command.type === "assert_return" && command.expected.some(needsBits);
}

/** @returns by the command that makes the module */
export function wantedBits(commands: readonly Command[]): ReadonlyMap<Command, Wanted> {
  const wanted = new Map<
    Command,
    { functions: Map<string, boolean>; globals: Map<string, "i32" | "i64" | "f32" | "f64" | "v128"> }
  >();
  const named = new Map<string, Command>();
  let last: Command | undefined;
  for (const command of commands) {
    if (command.type === "module") {
      last = command;
      if (command.name !== undefined) named.set(command.name, command);
    }
    if (!("action" in command)) continue;
    const { action } = command;
    const module = action.module === undefined ? last : named.get(action.module);
    if (module === undefined) continue;
    const ofModule = wanted.get(module) ?? { functions: new Map(), globals: new Map() };
    wanted.set(module, ofModule);
    const [value] = command.type === "assert_return" ? command.expected : [];
    if (action.type === "invoke")
      ofModule.functions.set(action.field, (ofModule.functions.get(action.field) ?? false) || usesBits(command));
    else if (value !== undefined && isPlain(value)) ofModule.globals.set(action.field, value.type);
  }
  return wanted;
}
