/** Grants as they are given, checked and in the form that a guest's thread takes. */
import { statSync } from "node:fs";
import { resolve } from "node:path";
import { ConfigError } from "../component/errors.ts";
import { type FileGrant, NO_GRANTS, type WasiGrants } from "../wasi/grants.ts";
import { networkProblems } from "../wasi/sockets/grants.ts";
import type { Grants } from "./options.ts";

/** @throws ConfigError that lists everything that is wrong, by the names of the configuration's keys */
export function resolveGrants(given: Grants = {}): WasiGrants {
  const { args, env, files } = { ...NO_GRANTS, ...given };
  const network = { ...NO_GRANTS.network, ...given.network };
  const issues = [
    ...args.flatMap((text, i) => (text.includes("\0") ? [`args::${i}: must not contain a zero byte`] : [])),
    ...Object.entries(env).flatMap(([name, value]) => variableProblems(name, value)),
  ];
  issues.push(...networkProblems(network));
  const resolved = files.map((file, i) => resolveFile(file, `files::${i}`, files.slice(0, i), issues));
  if (issues.length > 0) throw new ConfigError(issues);
  return { args, env, files: resolved, network };
}

function variableProblems(name: string, value: string): string[] {
  const problems: string[] = [];
  if (name === "" || /[=\0]/.test(name))
    problems.push(`env: ${JSON.stringify(name)} is no name of a variable: it must not be empty nor contain "="`);
  if (value.includes("\0")) problems.push(`env::${name}: must not contain a zero byte`);
  return problems;
}

function resolveFile(file: FileGrant, path: string, before: readonly FileGrant[], issues: string[]): FileGrant {
  const { guest, writable } = file;
  const host = resolve(file.host);
  const problems = [
    guestPathProblem(guest),
    before.some((other) => other.guest === guest) ? givenTwice(guest) : undefined,
  ];
  issues.push(...problems.flatMap((problem) => (problem === undefined ? [] : [`${path}::guest: ${problem}`])));
  const problem = directoryProblem(host);
  if (problem !== undefined) issues.push(`${path}::host: ${problem}`);
  return { host, guest, writable };
}

/** What is wrong with the path that a plugin sees a directory under; `undefined` if nothing is. */
export function guestPathProblem(guest: string): string | undefined {
  if (guest.startsWith("/") && !guest.includes("\0") && !guest.split("/").some((part) => part === "." || part === ".."))
    return undefined;
  return `${JSON.stringify(guest)} must be an absolute path with "/", without "." and "..", as the plugin sees it`;
}

export function givenTwice(guest: string): string {
  return `${JSON.stringify(guest)} is given twice; each directory needs a path of its own`;
}

function directoryProblem(host: string): string | undefined {
  try {
    return statSync(host).isDirectory() ? undefined : `${host} is not a directory; grant the directory that it is in`;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return code === "ENOENT" ? `there is no directory ${host}` : message;
  }
}
