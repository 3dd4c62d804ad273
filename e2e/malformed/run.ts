/**
 * Malformed requests on a collector:
 *
 *     node scripts/run.mjs e2e/malformed/run.ts [--requests 10000] [--seed N]      prints what came of each, ends with 1 when something is wrong
 */
import { parseArgs } from "node:util";
import { malformed } from "./malformed.ts";

const { values } = parseArgs({
  options: {
    requests: { type: "string", default: "10000" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
  },
});
const { outcomes, problems, ...figures } = await malformed(Number(values.requests), Number(values.seed));
console.log(`seed ${values.seed}`);
for (const [name, counts] of outcomes)
  console.log(`${name.padEnd(60)} ${[...counts].map(([outcome, count]) => `${outcome} ×${count}`).join(", ")}`);
console.log(JSON.stringify(figures, undefined, 2));
for (const problem of problems) console.log(`WRONG: ${problem}`);
process.exitCode = problems.length === 0 ? 0 : 1;
