/** Programs in a process of their own, and what they print. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { temporaryFolder } from "./guests.ts";

export interface Program extends AsyncDisposable {
  readonly child: ChildProcess;
  /** Everything so far, standard output and error as they came. */
  readonly output: string;
  readonly stdout: string;
  readonly stderr: string;
  /** Resolves with the match as soon as the output has it; rejects when the program ends, or a deadline passes, without. */
  waitFor(pattern: RegExp): Promise<RegExpExecArray>;
  /** Exit code, or the signal that ended it. */
  readonly exit: Promise<number | NodeJS.Signals>;
}

/** Far more than anything here takes: whoever waits longer waits in vain. */
const DEADLINE_MS = 60_000;

export interface ProgramOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** In a process group of its own, as a shell starts it: `process.kill(-pid)` is then what Ctrl-C in a terminal does. */
  readonly group?: boolean;
  /** Where it runs. Default: where the tests do. */
  readonly cwd?: string;
}

/** `argv[0]` is a TypeScript or JavaScript file of this repository, relative to its root; it runs in the Node that runs the tests. */
export function runProgram(argv: readonly [string, ...string[]], options: ProgramOptions = {}): Program {
  const [file, ...args] = argv;
  const child = spawn(
    process.execPath,
    ["--conditions=otelwasm-source", fileURLToPath(new URL(`../${file}`, import.meta.url)), ...args],
    {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...options.env },
      detached: options.group ?? false,
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    },
  );
  const watchers = new Set<() => void>();
  let all = "";
  const streams = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8");
    child[name].on("data", (text: string) => {
      all += text;
      streams[name] += text;
      for (const watcher of [...watchers]) watcher();
    });
  }
  // "close" comes when the output has been read to its end, too.
  const exit = once(child, "close").then(([code, signal]) => (code ?? signal) as number | NodeJS.Signals);
  let ended = false;
  const whenEnded = exit.then(() => {
    ended = true;
    for (const watcher of [...watchers]) watcher();
  });

  return {
    child,
    exit,
    get output() {
      return all;
    },
    get stdout() {
      return streams.stdout;
    },
    get stderr() {
      return streams.stderr;
    },
    waitFor(pattern) {
      const { promise, resolve, reject } = Promise.withResolvers<RegExpExecArray>();
      const timer = setTimeout(() => fail(`not printed within ${DEADLINE_MS} ms`), DEADLINE_MS);
      const settle = (): void => {
        clearTimeout(timer);
        watchers.delete(watcher);
      };
      const fail = (what: string): void => {
        settle();
        reject(new Error(`${pattern}: ${what}. The program's output:\n${all}`));
      };
      const watcher = (): void => {
        const match = pattern.exec(all);
        if (match !== null) {
          settle();
          resolve(match);
        } else if (ended) fail("the program has ended without");
      };
      watchers.add(watcher);
      watcher();
      return promise;
    },
    async [Symbol.asyncDispose]() {
      if (!ended) {
        if (options.group && child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
        else child.kill("SIGKILL");
      }
      await whenEnded;
    },
  };
}

/** The command's own metrics have a fixed port where nobody chooses one, and tests run side by side. */
export const NO_METRICS: readonly [string, string] = ["--set", "service.telemetry.metrics.level=none"];

/** The `otelwasm` command. Objects become a configuration file (JSON is YAML), put in front as `--config FILE`; with own metrics only where they are configured. */
export function runOtelwasm(
  config: object | undefined,
  args: readonly string[] = [],
  options?: ProgramOptions,
): Program {
  const first: string[] = [];
  if (config !== undefined) {
    const path = join(temporaryFolder(), "config.yaml");
    writeFileSync(path, JSON.stringify(config, undefined, 2));
    first.push("--config", path);
    if (!configuresMetrics(config)) first.push(...NO_METRICS);
  }
  return runProgram(["packages/otelwasm/bin/otelwasm.js", ...first, ...args], options);
}

/** Below `service::telemetry`; a pipeline may have the same name. */
function configuresMetrics(config: object): boolean {
  let node: unknown = config;
  for (const key of ["service", "telemetry", "metrics"])
    node = typeof node === "object" && node !== null ? Reflect.get(node, key) : undefined;
  return node !== undefined;
}
