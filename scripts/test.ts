// `npm test`: every test beside its code, then what was left out and why. Arguments are files or folders to run instead of all; `--left-out` runs the files
// of which the last run left something out. OTELWASM_REQUIRE names what must be there (`v8`, toolchains: conformance/needs.ts); of that, nothing may be left out.
import { spawn } from "node:child_process";
import { existsSync, globSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { buildGuests } from "../conformance/build.ts";
import { GUEST_NAMES } from "../conformance/guests.ts";
import { required } from "../conformance/needs.ts";
import { LEFT_OUT_FILE } from "./left-out.ts";

const everything = [
  "packages/*/{src,test,build,tools}/**/*.test.ts",
  "scripts/**/*.test.ts",
  "native/**/*.test.ts",
  "conformance/**/*.test.ts",
  "examples/**/*.test.ts",
  "benchmarks/**/*.test.ts",
  "e2e/**/*.test.ts",
  "docs/**/*.test.ts",
];

function filesOf(args: readonly string[]): string[] {
  if (args.includes("--left-out")) {
    if (!existsSync(LEFT_OUT_FILE)) fail("--left-out: there has been no run yet");
    return JSON.parse(readFileSync(LEFT_OUT_FILE, "utf8")) as string[];
  }
  const patterns =
    args.length > 0
      ? args.map((arg) => (arg.endsWith(".ts") ? arg : `${arg.replace(/\/$/, "")}/**/*.test.ts`))
      : everything;
  const files = patterns.flatMap((pattern) => globSync(pattern, { exclude: (name) => name.includes("node_modules") }));
  if (files.length === 0) fail(`no test files match ${patterns.join(" ")}`);
  return [...new Set(files)].sort();
}

function fail(problem: string): never {
  console.error(problem);
  process.exit(1);
}

/** A file of generated tests is one test, too, and lasts as long as it is asked to. */
const timeout = process.env.OTELWASM_FUZZ_SECONDS === undefined ? 600_000 : 0;
const args = process.argv.slice(2);
const files = filesOf(args);
try {
  required();
} catch (error) {
  fail(error instanceof Error ? error.message : String(error));
}
if (files.length === 0) {
  console.log("Nothing was left out.");
  process.exit(0);
}
// Here, because a toolchain with an empty cache takes longer than a test may. Where there is no toolchain, the tests say so.
if (args.length === 0 || args.includes("--left-out")) await buildGuests(GUEST_NAMES, console.log);

const reporter = (name: string): string[] => [`--test-reporter=${name}`, "--test-reporter-destination=stdout"];
const child = spawn(
  process.execPath,
  [
    "--conditions=otelwasm-source",
    "--test",
    ...reporter("spec"),
    ...reporter(join(import.meta.dirname, "left-out.ts")),
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
