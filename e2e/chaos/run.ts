/**
 * Load on a collector while everything around it goes wrong, and the books about it: what was acknowledged must be where it belongs.
 *
 *     npm run chaos -- [--only NAME[,NAME]] [--seconds 20] [--times N] [--seed N] [--lanes 16] [--list]
 *
 * Prints a table, and ends with 1 if the books do not agree.
 */
import { parseArgs } from "node:util";
import { whyNoDisk } from "./disk.ts";
import { type Overload, overloadLine, playOverload, slowness } from "./overload.ts";
import { type Played, play } from "./play.ts";
import { details, table } from "./report.ts";
import type { Scenario } from "./scenario.ts";
import { OVERLOADS, SCENARIOS } from "./scenarios.ts";

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    seconds: { type: "string" },
    times: { type: "string" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    lanes: { type: "string", default: "16" },
    list: { type: "boolean", default: false },
  },
});

/** What is asked for that there is not. */
class UsageError extends Error {}

const ALL: readonly (Scenario | Overload)[] = [...SCENARIOS, ...OVERLOADS];

function chosen(): readonly (Scenario | Overload)[] {
  return (
    values.only?.split(",").map((name) => {
      const found = ALL.find((each) => each.name === name);
      if (found === undefined)
        throw new UsageError(`no scenario ${name}; there are: ${ALL.map((each) => each.name).join(", ")}`);
      return found;
    }) ?? ALL
  );
}

function number(name: "seconds" | "times" | "seed" | "lanes"): number | undefined {
  const text = values[name];
  if (text === undefined) return undefined;
  if (!/^\d+$/.test(text)) throw new UsageError(`--${name}: ${text} is not a number`);
  return Number(text);
}

async function run(): Promise<boolean> {
  const seed = number("seed") ?? 0;
  const [seconds, times, lanes] = [number("seconds"), number("times"), number("lanes")];
  console.log(`seed ${seed}`);
  const played: Played[] = [];
  let wrong = false;
  for (const each of chosen()) {
    if ("holdMs" in each) {
      const result = await playOverload(each, { seed, seconds: seconds ?? 60 });
      const problems = [...result.problems, ...slowness(result)];
      console.log(overloadLine({ ...result, problems }));
      wrong ||= problems.length > 0;
    } else if (each.disk?.size !== undefined && whyNoDisk() !== undefined) {
      console.log(`${each.name}: left out, as ${whyNoDisk()}\n`);
    } else {
      const result = await play(each, {
        seed,
        seconds: seconds ?? 20,
        ...(times ? { times } : {}),
        ...(lanes ? { lanes } : {}),
      });
      console.log(details(result));
      wrong ||= result.problems.length > 0;
      played.push(result);
    }
  }
  if (played.length > 0) console.log(table(played));
  return wrong;
}

try {
  if (values.list) for (const { name, what } of ALL) console.log(`${name.padEnd(16)} ${what}`);
  else process.exitCode = (await run()) ? 1 : 0;
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}
