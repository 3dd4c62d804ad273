// `npm test`: every test beside its code, then what was left out and why. Arguments are files or folders to run instead of all.
// OTELWASM_REQUIRE names what must be there (`v8`, later native engines and toolchains); with it set nothing may be left out.
import { spawn } from "node:child_process";
import { globSync } from "node:fs";
import { availableParallelism } from "node:os";

const everything = [
  "packages/*/{src,test,build,tools}/**/*.test.ts",
  "scripts/**/*.test.ts",
  "examples/**/*.test.ts",
  "benchmarks/**/*.test.ts",
  "e2e/**/*.test.ts",
  "docs/**/*.test.ts",
];
const args = process.argv.slice(2);
const patterns =
  args.length > 0
    ? args.map((arg) => (arg.endsWith(".ts") ? arg : `${arg.replace(/\/$/, "")}/**/*.test.ts`))
    : everything;
const files = [
  ...new Set(patterns.flatMap((pattern) => globSync(pattern, { exclude: (name) => name.includes("node_modules") }))),
].sort();
if (files.length === 0) {
  console.error(`no test files match ${patterns.join(" ")}`);
  process.exit(1);
}

/** A file of generated tests is one test, too, and lasts as long as it is asked to. */
const timeout = process.env.OTELWASM_FUZZ_SECONDS === undefined ? 300_000 : 0;
const child = spawn(
  process.execPath,
  [
    "--conditions=otelwasm-source",
    "--test",
    `--test-concurrency=${availableParallelism()}`,
    `--test-timeout=${timeout}`,
    ...files,
  ],
  { stdio: "inherit" },
);
process.on("SIGINT", () => {});
child.on("exit", (code, signal) => {
  process.exitCode = code ?? (signal === null ? 1 : 130);
});
