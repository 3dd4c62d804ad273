/** Tests of an engine that cannot be in the process of others: they run in one that the engine's launcher starts, and count here as if they had run in this one. */
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { factoryOf, type Launcher } from "../registry.ts";
import { needsEngine } from "./engines.ts";
import type { Outcome } from "./outcomes.ts";
import "../engines.ts";

const INSIDE = "OTELWASM_TEST_PROCESS";
/** Of what the process says at its end. */
const LAST_CHARACTERS = 2000;

/**
 * @param file of the tests, which the process runs again: all of it, so that nothing else is to be in it
 * @param tests registers them; called in that process only
 */
export async function inOwnProcess(type: string, file: string, tests: () => void): Promise<void> {
  if (process.env[INSIDE] === type) {
    tests();
    return;
  }
  const needs = needsEngine(type);
  if (needs.skip === undefined) report(await run(file, factoryOf(type)?.launcher?.(undefined), { [INSIDE]: type }));
  else describe(`${type}, in a process of its own`, needs, () => {});
}

/**
 * The tests of plugins, on another engine than the embedded one.
 *
 * @param files of the tests
 */
export async function onEngine(type: string, files: readonly URL[]): Promise<void> {
  const needs = needsEngine(type);
  if (needs.skip !== undefined) {
    describe(`plugins on ${type}`, needs, () => {});
    return;
  }
  for (const url of files) {
    const file = fileURLToPath(url);
    const finished = await run(file, undefined, { OTELWASM_TEST_ENGINE: type });
    describe(`${basename(file)} on ${type}`, () => report(finished));
  }
}

interface Finished {
  readonly outcomes: readonly Outcome[];
  /** Why it ended, if not by having run all tests. */
  readonly crash: string | undefined;
}

async function run(
  file: string,
  { file: program, args, env: more }: Launcher = { file: process.execPath, args: [], env: {} },
  extra: Readonly<Record<string, string>> = {},
): Promise<Finished> {
  const folder = await mkdtemp(join(tmpdir(), "otelwasm-tests-"));
  try {
    const outcomesFile = join(folder, "outcomes");
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const child = spawn(
      program,
      [
        ...args,
        "--conditions=otelwasm-source",
        `--test-reporter=${join(import.meta.dirname, "outcomes.ts")}`,
        `--test-reporter-destination=${outcomesFile}`,
        file,
      ],
      { env: { ...env, ...more, ...extra }, stdio: ["ignore", "inherit", "pipe"] },
    );
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      said = (said + text).slice(-LAST_CHARACTERS);
    });
    const ended = await new Promise<string>((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (code, signal) => resolve(signal ?? `code ${code}`));
    });
    const lines = await readFile(outcomesFile, "utf8").catch(() => "");
    const outcomes = lines.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line) as Outcome]));
    // Failed tests say why themselves.
    const failed = outcomes.some(({ error }) => error !== undefined);
    const expected = ended === "code 0" || (ended === "code 1" && failed);
    return { outcomes, crash: expected && outcomes.length > 0 ? undefined : `it ended with ${ended}: ${said}` };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface Node {
  readonly outcome: Outcome;
  readonly children: readonly Node[];
}

function report({ outcomes, crash }: Finished): void {
  // What is inside comes before what it is inside of.
  const levels: Node[][] = [];
  for (const outcome of outcomes) {
    const children = levels[outcome.nesting + 1] ?? [];
    levels[outcome.nesting + 1] = [];
    levels[outcome.nesting] = [...(levels[outcome.nesting] ?? []), { outcome, children }];
  }
  for (const node of levels.flat()) register(node);
  if (crash !== undefined)
    test("the process of the tests ends when they are done", () => {
      throw new Error(crash);
    });
}

function register({ outcome, children }: Node): void {
  const { name, skip, error } = outcome;
  const fail = (): void => {
    if (error !== undefined) throw new Error(error);
  };
  const options = skip === undefined ? {} : { skip };
  if (!outcome.suite) {
    test(name, options, fail);
    return;
  }
  describe(name, options, () => {
    for (const child of children) register(child);
    // Not because of a test in it: a hook, for example.
    if (error !== undefined && !children.some(({ outcome }) => outcome.error !== undefined))
      test("the suite itself", fail);
  });
}
