// `npm run bench`: all benchmarks, one after the other, each in a process of its own. Arguments name some of them: `npm run bench -- boundary`.
import { spawnSync } from "node:child_process";
import { cpus } from "node:os";
import { join } from "node:path";

const BENCHMARKS: Readonly<Record<string, string>> = {
  boundary: "boundary.ts",
  sockets: "sockets.ts",
  sdk: "sdk.ts",
  attributes: "attributes.ts",
  startup: "startup.ts",
  storage: "storage.ts",
  collector: "collector/run.ts",
  telemetry: "telemetry.ts",
};

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => BENCHMARKS[name] === undefined);
if (unknown.length > 0) {
  console.error(`unknown benchmark ${unknown.join(", ")}; known: ${Object.keys(BENCHMARKS).join(", ")}`);
  process.exit(2);
}
console.log(
  `Node ${process.version}, V8 ${process.versions.v8}, ${cpus()[0]?.model ?? "unknown processor"}, ${cpus().length} cores`,
);
for (const [name, file] of Object.entries(BENCHMARKS)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  console.log(`\n== ${name}\n`);
  const run = spawnSync(process.execPath, ["--conditions=otelwasm-source", join(import.meta.dirname, file)], {
    stdio: "inherit",
  });
  if (run.status !== 0) process.exit(run.status ?? 1);
}
