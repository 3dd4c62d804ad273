/**
 * A reporter of Node's test runner beside the one that a person reads: what was left out and why, at the end. It writes the files of these tests to
 * `build/left-out.json`, which `npm test -- --left-out` runs.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, relative, resolve } from "node:path";
import type { TestEvent } from "node:test/reporters";
import { required } from "../conformance/needs.ts";

export const LEFT_OUT_FILE = "build/left-out.json";

interface LeftOut {
  readonly text: string;
  /** Of the tests, from the repository's root. */
  readonly files: readonly string[];
  /** Whether all of it may be left out. */
  readonly allowed: boolean;
}

/** The one thing that the runner says of a test here. */
export interface PassedTest {
  readonly name: string;
  readonly file?: string | undefined;
  /** The reason, or `true` where none is given. */
  readonly skip?: string | boolean | undefined;
}

/**
 * @param names what must be there; `undefined` where nobody has said: then anything may be left out that has a reason. Otherwise only what needs something
 *   that is not among them
 */
export function leftOut(tests: Iterable<PassedTest>, names: readonly string[] | undefined): LeftOut {
  const reasons = new Map<string, string[]>();
  const files = new Set<string>();
  for (const { name, file, skip = false } of tests) {
    if (skip === false) continue;
    const reason = skip === true ? "" : skip;
    reasons.set(reason, [...(reasons.get(reason) ?? []), name]);
    if (file !== undefined) files.add(relative(process.cwd(), file));
  }
  const mayBe = (reason: string): boolean => {
    if (names === undefined) return reason !== "";
    const needed = [...reason.matchAll(/(?:^|; )needs (\w+): /g)].map(([, name]) => name!);
    return needed.some((name) => !names.includes(name));
  };
  const texts = [...reasons].map(([reason, tests]) => {
    const wrong = mayBe(reason) ? "" : `\n  This must not be left out (OTELWASM_REQUIRE=${names?.join() ?? ""})`;
    return `\nLeft out: ${tests.join("; ")}\n  ${reason === "" ? "without a reason" : reason}${wrong}\n`;
  });
  return { text: texts.join(""), files: [...files].sort(), allowed: [...reasons.keys()].every(mayBe) };
}

/**
 * The runner says of a test where it is written, which for a suite of several engines is not the file that was run.
 *
 * @param files as the runner said, from the repository's root
 * @param testFiles all that there are, likewise
 * @returns those of them that are among the files, or import one
 */
export function testFilesOf(files: readonly string[], testFiles: readonly string[]): string[] {
  const wanted = new Set(files.map((file) => resolve(file)));
  return testFiles.filter((file) => {
    if (wanted.has(resolve(file))) return true;
    const imports = [...readFileSync(file, "utf8").matchAll(/^import [^;]*?"(\.[^"]+)";$/gms)];
    return imports.some(([, specifier]) => wanted.has(resolve(dirname(file), specifier!)));
  });
}

export default async function* reporter(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const tests: PassedTest[] = [];
  for await (const { type, data } of events) if (type === "test:pass") tests.push(data);
  const { text, files, allowed } = leftOut(tests, process.env.OTELWASM_REQUIRE === undefined ? undefined : required());
  mkdirSync("build", { recursive: true });
  writeFileSync(LEFT_OUT_FILE, JSON.stringify(files));
  if (!allowed) process.exitCode = 1;
  yield text;
}
