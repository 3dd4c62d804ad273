import { stringify } from "yaml";
import { DEFAULT_RUNTIME, factoryOf, list } from "../runtime/registry.ts";
import "../runtime/engines.ts";

/** What `runtime_config.type` can name, whether it is installed, and what it can do, in the shape of the Collector's `components` command. */
export function printEngines(): void {
  const engines = list().map((type) => {
    const factory = factoryOf(type)!;
    const missing = factory.missing?.(undefined);
    const { isolations, features, components, ...can } = factory.capabilities(undefined);
    return {
      name: type,
      ...(type === DEFAULT_RUNTIME ? { default: true } : {}),
      ...(missing === undefined
        ? { state: "ready", ...described(type) }
        : { state: "not installed", install: missing }),
      isolation: [...isolations],
      capabilities: namesOf(can),
      features: namesOf(features),
      ...(components === "none" ? {} : { components }),
    };
  });
  process.stdout.write(stringify({ engines }, { aliasDuplicateObjects: false, lineWidth: 0 }));
}

/** An engine whose library is damaged has no version. */
function described(type: string): Readonly<Record<string, string>> {
  const factory = factoryOf(type)!;
  try {
    const { version, path } = factory.describe?.(undefined) ?? { version: "unknown" };
    return { version, ...(path === undefined ? {} : { path }) };
  } catch (error) {
    return { state: "broken", reason: error instanceof Error ? error.message : String(error) };
  }
}

/** As keys of the configuration are written. */
function namesOf(flags: object): string[] {
  return Object.entries(flags)
    .filter(([, value]) => value === true)
    .map(([name]) => name.replace(/[A-Z]+/g, (part) => `_${part.toLowerCase()}`));
}
