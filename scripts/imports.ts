// Imports go one way through the folders of packages/otelwasm/src; nothing imports upward. Part of `npm run lint`.
import { globSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";

/** From the bottom up; a folder imports from its own layer's folder and from lower layers. A file may have a layer of its own. */
export const LAYERS: readonly (readonly string[])[] = [
  ["abi", "component/errors.ts"],
  ["runtime", "telemetry"],
  ["component", "config"],
  ["wasi"],
  ["plugin"],
  ["transport"],
  ["exporterhelper"],
  ["components"],
  ["service"],
  ["index.ts", "testing", "cli"],
];

/** Only these may touch the engines. */
const ENGINE_FOLDERS = /^runtime\/(v8|wasmtime|wazero|wasmedge)\//;
const IMPORT =
  /(?:^|\n)\s*(?:import|export)\s(?:[^;"']*?\sfrom\s)?["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']\s*\)/g;

function layerOf(path: string): number {
  const exact = LAYERS.findIndex((layer) => layer.includes(path));
  return exact >= 0 ? exact : LAYERS.findIndex((layer) => layer.includes(path.split("/")[0] ?? ""));
}

/**
 * @param root the repository's folder
 * @returns one line for each import that points upward, for each file outside the known folders, and for each use of `WebAssembly` outside the engines
 */
export function importViolations(root: string): string[] {
  const source = resolve(root, "packages/otelwasm/src");
  const violations: string[] = [];
  for (const file of globSync("**/*.ts", { cwd: source }).sort()) {
    const path = file.split(sep).join("/");
    if (path.endsWith(".test.ts") || path.endsWith(".suite.ts") || path.includes("/testing/")) continue;
    const from = layerOf(path);
    if (from < 0) {
      violations.push(`${path}: no layer is known for this folder; add it to scripts/imports.ts`);
      continue;
    }
    const text = readFileSync(join(source, file), "utf8");
    for (const match of text.matchAll(IMPORT)) {
      const specifier = match[1] ?? match[2] ?? "";
      if (!specifier.startsWith(".")) continue;
      const target = relative(source, resolve(source, dirname(file), specifier))
        .split(sep)
        .join("/");
      if (target.includes("/testing/")) violations.push(`${path}: imports ${target}, which only tests may`);
      if (layerOf(target) > from) violations.push(`${path}: imports ${target}, which is a higher layer`);
    }
    const code = text.replace(/\/\*[\s\S]*?\*\/|\/\/.*|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`/g, "");
    if (/\bWebAssembly\b/.test(code) && !ENGINE_FOLDERS.test(path))
      violations.push(`${path}: uses WebAssembly; only runtime/<engine>/ may`);
  }
  return violations;
}
