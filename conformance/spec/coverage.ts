/**
 * `coverage.tsv`: for each script, how many of its commands are carried out through the contract, and how many are not, for which reason. The same for every
 * engine, as the reasons are the contract's. `node scripts/run.mjs conformance/spec/coverage.ts` writes it anew.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import "../../packages/otelwasm/src/runtime/engines.ts";
import { create } from "../../packages/otelwasm/src/runtime/registry.ts";
import { LEFT_OUT } from "./instances.ts";
import { type Outcome, runScript } from "./run.ts";
import { readScript } from "./script.ts";
import { specFiles } from "./source.ts";

const FILE = fileURLToPath(new URL("coverage.tsv", import.meta.url));

/** What stands in a script's line behind its name. What only this engine is not asked for counts as if it had been. */
export function formatCoverage({ ran, leftOut }: Outcome): string {
  const reasons = [...leftOut].sort(([a], [b]) => (a < b ? -1 : 1));
  const everywhere = reasons.filter(([reason]) => reason in LEFT_OUT).map(([reason, count]) => `${count} ${reason}`);
  const here = reasons.filter(([reason]) => !(reason in LEFT_OUT)).reduce((sum, [, count]) => sum + count, 0);
  return `${ran + here}\t${everywhere.join(", ")}`.trimEnd();
}

/** By the scripts' names. */
export function readCoverage(): ReadonlyMap<string, string> {
  const lines = readFileSync(FILE, "utf8").split("\n");
  return new Map(
    lines.flatMap((line) => {
      const [, name, coverage] = /^([\w-]+\/[\w-]+)\t(.*)$/.exec(line) ?? [];
      return name === undefined || coverage === undefined ? [] : [[name, coverage] as const];
    }),
  );
}

if (process.argv[1] === FILE.replace(/tsv$/, "ts")) {
  const files = specFiles();
  if ("missing" in files) throw new Error(files.missing);
  const lines: string[] = [];
  let ran = 0;
  let left = 0;
  for (const { name, path } of files) {
    const runtime = await create({ type: "v8" });
    const outcome = await runScript(readScript(path), runtime);
    await runtime.close();
    lines.push(`${name}\t${formatCoverage(outcome)}`);
    ran += outcome.ran;
    left += [...outcome.leftOut.values()].reduce((sum, count) => sum + count, 0);
  }
  const head = [
    "# The specification's tests: script, commands that are carried out, commands that are left out and why.",
    ...Object.entries(LEFT_OUT).map(([reason, text]) => `# ${reason}: ${text}`),
    `# ${files.length} scripts: ${ran} commands are carried out, ${left} are left out`,
  ];
  writeFileSync(FILE, `${[...head, ...lines].join("\n")}\n`);
  console.log(head.at(-1));
}
