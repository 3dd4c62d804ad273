import { formatFunctionType, sameFunctionType } from "./binary.ts";
import type { HostFunction, HostModule, ImportType } from "./contract.ts";
import { WasmError } from "./errors.ts";

/** The functions of a host module, to be found by import: under one name those of several types, of which an import chooses one. */
export type OfferedFunctions = ReadonlyMap<string, readonly HostFunction[]>;

/** @throws WasmError `link` if two functions have one name and one type */
export function offeredFunctions(hostModule: HostModule): OfferedFunctions {
  const offered = new Map<string, HostFunction[]>();
  for (const host of hostModule.functions) {
    const key = keyOf(host.moduleName, host.functionName);
    const others = offered.get(key);
    if (others?.some((other) => sameFunctionType(other, host)))
      throw new WasmError("link", `the host offers ${host.moduleName}.${host.functionName} twice`);
    if (others === undefined) offered.set(key, [host]);
    else others.push(host);
  }
  return offered;
}

/** Why an import cannot be satisfied; `undefined` if it can. The same words for every engine. */
export function linkProblem(item: ImportType, offered: OfferedFunctions): string | undefined {
  const name = `${item.module}.${item.name}`;
  if (item.kind !== "function") return `${name} is a ${item.kind}, but the host offers functions only`;
  const hosts = offered.get(keyOf(item.module, item.name));
  if (hosts === undefined) return `${name} ${formatFunctionType(item.type)} is not offered by the host`;
  if (chosen(item, hosts) === undefined)
    return `${name} is imported as ${formatFunctionType(item.type)}, but is ${hosts.map(formatFunctionType).join(" or ")}`;
  return undefined;
}

/** An extension of WASI has functions whose parameters changed between its versions: the module's own type says which it was built for. */
function chosen(item: ImportType, hosts: readonly HostFunction[] | undefined): HostFunction | undefined {
  return item.kind === "function" ? hosts?.find((host) => sameFunctionType(item.type, host)) : undefined;
}

/**
 * The host functions that a module imports, in the order of its imports; one that is imported twice stands there twice.
 *
 * @throws WasmError `link` that lists every import that is missing or has another type
 */
export function resolveImports(imports: readonly ImportType[], hostModule: HostModule): readonly HostFunction[] {
  const offered = offeredFunctions(hostModule);
  const problems = new Set<string>();
  const resolved: HostFunction[] = [];
  for (const item of imports) {
    const problem = linkProblem(item, offered);
    if (problem !== undefined) problems.add(problem);
    const host = chosen(item, offered.get(keyOf(item.module, item.name)));
    if (host !== undefined) resolved.push(host);
  }
  if (problems.size > 0) throw new WasmError("link", [...problems].join("; "));
  return resolved;
}

function keyOf(module: string, name: string): string {
  return `${module}\0${name}`;
}
