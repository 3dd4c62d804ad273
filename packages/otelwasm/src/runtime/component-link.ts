import type { CompiledComponent, ComponentHost } from "./component.ts";
import { parseComponent } from "./component-binary.ts";
import { WasmError } from "./errors.ts";

/** What has to be given to a component, and what it gives: types are neither. */
export function componentNames(binary: Uint8Array): Pick<CompiledComponent, "imports" | "exports"> {
  const { imports, exports } = parseComponent(binary);
  const names = (items: typeof imports): string[] =>
    items.filter(({ kind }) => kind !== "type").map(({ name }) => name);
  return { imports: names(imports), exports: names(exports) };
}

/** @throws WasmError `link` that lists every import that is not there */
export function expectOffered(imports: readonly string[], host: ComponentHost): void {
  const missing = imports.filter((name) => !Object.hasOwn(host, name));
  if (missing.length > 0) throw new WasmError("link", `the host does not offer ${missing.join(", ")}`);
}

/** A name in WIT's spelling as JavaScript has it. */
export function camelCase(name: string): string {
  return name.replaceAll(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
