/**
 * Load on a collector while everything around it goes wrong, and the books about it: what was acknowledged must be where it belongs.
 *
 *     npm run chaos -- [--only NAME[,NAME]] [--seconds 20] [--times N] [--seed N] [--lanes 16] [--list]
 *
 * Prints a table, and ends with 1 if the books do not agree.
 */
import { parseArgs } from "node:util";
import { play } from "./play.ts";
import { details, table } from "./report.ts";
import { SCENARIOS } from "./scenarios.ts";

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    seconds: { type: "string", default: "20" },
    times: { type: "string" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    lanes: { type: "string", default: "16" },
    list: { type: "boolean", default: false },
  },
});

if (values.list) {
  for (const { name, what } of SCENARIOS) console.log(`${name.padEnd(16)} ${what}`);
} else {
  const names = values.only?.split(",") ?? SCENARIOS.map(({ name }) => name);
  const chosen = names.map((name) => {
    const found = SCENARIOS.find((scenario) => scenario.name === name);
    if (found === undefined) throw new Error(`no scenario ${name}: --list names them`);
    return found;
  });
  const options = {
    seconds: Number(values.seconds),
    seed: Number(values.seed),
    lanes: Number(values.lanes),
    ...(values.times === undefined ? {} : { times: Number(values.times) }),
  };
  console.log(`seed ${options.seed}`);
  const played = [];
  for (const scenario of chosen) {
    const result = await play(scenario, options);
    console.log(details(result));
    played.push(result);
  }
  console.log(table(played));
  process.exitCode = played.some(({ problems }) => problems.length > 0) ? 1 : 0;
}
