/** The flags of `plugin run` that grant what a component's configuration grants by its keys. */
import { resolve as absolute } from "node:path";
import { ConfigError } from "../../component/errors.ts";
import { resolveGrants } from "../../plugin/grants.ts";
import type { FileGrant, WasiGrants } from "../../wasi/grants.ts";

/** As they stand on the command line; each may be repeated. */
export interface GrantFlags {
  /** `NAME=VALUE`, or `NAME` for the value that it has here. */
  readonly env?: readonly string[];
  readonly arg?: readonly string[];
  /** `HOST[:GUEST][:ro|rw]` */
  readonly dir?: readonly string[];
  /** Patterns as in the configuration, these and the two below. */
  readonly listen?: readonly string[];
  readonly connect?: readonly string[];
  readonly resolve?: readonly string[];
}

/**
 * @param hostEnv where variables come from that have no value on the command line
 * @param warn told of each that is not there: the plugin runs without it, as in a collector
 * @throws ConfigError that lists everything that is wrong, by the names of the flags
 */
export function grantsOfFlags(
  { env = [], arg = [], dir = [], listen = [], connect = [], resolve = [] }: GrantFlags,
  hostEnv: Readonly<Record<string, string | undefined>>,
  warn: (message: string) => void,
): WasiGrants {
  const issues: string[] = [];
  const given: WasiGrants = {
    args: arg,
    env: variables(env, hostEnv, warn, issues),
    files: dir.flatMap((text) => directory(text, issues) ?? []),
    network: { listen, connect, resolve },
  };
  try {
    const grants = resolveGrants(given);
    if (issues.length === 0) return grants;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    issues.push(...error.issues.map(byFlag));
  }
  throw new ConfigError(issues);
}

function variables(
  flags: readonly string[],
  hostEnv: Readonly<Record<string, string | undefined>>,
  warn: (message: string) => void,
  issues: string[],
): Record<string, string> {
  const all = new Map<string, string | undefined>();
  for (const flag of flags) {
    const at = flag.indexOf("=");
    const name = at < 0 ? flag : flag.slice(0, at);
    if (all.has(name)) issues.push(`--env: ${JSON.stringify(name)} is given twice`);
    const value = at < 0 ? hostEnv[name] : flag.slice(at + 1);
    all.set(name, name === "" ? flag : value);
    if (name !== "" && value === undefined)
      warn(`--env: there is no variable ${name} here, so the plugin has none; give it a value: --env ${name}=VALUE`);
  }
  return Object.fromEntries([...all].flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
}

/** A drive's colon is none that separates. */
const DIRECTORY: RegExp = new RegExp(
  `^(${process.platform === "win32" ? "(?:[A-Za-z]:)?" : ""}[^:]+)(?::(/[^:]*))?(?::(ro|rw))?$`,
);

function directory(text: string, issues: string[]): FileGrant | undefined {
  const [, host, guest, mode] = DIRECTORY.exec(text) ?? [];
  if (host !== undefined) return { host, guest: guest ?? absolute(host), writable: mode === "rw" };
  issues.push(
    `--dir: ${JSON.stringify(text)} is not HOST[:GUEST][:ro|rw], such as ./data:/data:rw; GUEST, the path that the plugin sees, begins with "/"`,
  );
  return undefined;
}

const FLAGS: Readonly<Record<string, string>> = { args: "--arg", files: "--dir" };

/** `files::0::host: ...` says of a configuration what `--dir: ...` says of a command line. */
function byFlag(issue: string): string {
  const colon = issue.indexOf(": ");
  const [section = "", key = ""] = issue.slice(0, colon).split("::");
  const flag = section === "network" ? `--${key}` : (FLAGS[section] ?? `--${section}`);
  return flag + issue.slice(colon);
}
