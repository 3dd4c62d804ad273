// `npm run check`: lint, format, types, unused exports, lock file; or the one that is named: `npm run lint`.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { importViolations } from "./imports.ts";

function command(program: string, ...args: string[]): () => boolean {
  return () => spawnSync(program, args, { stdio: "inherit", shell: process.platform === "win32" }).status === 0;
}

function imports(): boolean {
  const violations = importViolations(".");
  for (const violation of violations) console.error(violation);
  return violations.length === 0;
}

/** Whose install script has nothing to do: koffi's builds what its packages of the platforms have built already. */
const NEEDLESS_SCRIPTS = ["node_modules/koffi"];

interface Lock {
  readonly packages: Readonly<Record<string, { readonly hasInstallScript?: boolean }>>;
}

/** Whoever installs chooses the registry, and an install script is refused before it can be missed. */
function lockFile(): boolean {
  const lock = readFileSync("package-lock.json", "utf8");
  const problems = [
    ...(/"resolved": "https?:/.test(lock)
      ? ["package-lock.json names a registry's host: write it with `node scripts/lock.mjs`"]
      : []),
    ...Object.entries((JSON.parse(lock) as Lock).packages)
      .filter(([name, { hasInstallScript }]) => hasInstallScript === true && !NEEDLESS_SCRIPTS.includes(name))
      .map(([name]) => `package-lock.json has a dependency with an install script: ${name}`),
  ];
  for (const problem of problems) console.error(problem);
  return problems.length === 0;
}

const biomeFix = process.argv.includes("--write") ? ["--write"] : [];
const checks: Record<string, (() => boolean)[]> = {
  lint: [command("biome", "lint", ...biomeFix, "--error-on-warnings", "."), imports, lockFile],
  format: [command("biome", "format", ...biomeFix, ".")],
  typecheck: [command("tsc", "-p", ".")],
  unused: [command("knip")],
};

const wanted = process.argv.slice(2).filter((arg) => !arg.startsWith("--"));
let failed = false;
for (const name of wanted.length > 0 ? wanted : Object.keys(checks)) {
  const steps = checks[name];
  if (steps === undefined) {
    console.error(`unknown check "${name}"; known: ${Object.keys(checks).join(", ")}`);
    process.exit(2);
  }
  const passed = steps.map((step) => step()).every(Boolean);
  console.log(`${name}: ${passed ? "ok" : "failed"}`);
  failed ||= !passed;
}
process.exitCode = failed ? 1 : 0;
