import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const BIN = fileURLToPath(new URL("../../../bin/otelwasm.js", import.meta.url));

/** The `otelwasm` command in a process of its own. */
export interface RunningCommand extends AsyncDisposable {
  readonly stdout: string;
  readonly stderr: string;
  /** Resolves with the match once standard error has it; rejects if the command ends without. */
  untilLogged(pattern: RegExp): Promise<RegExpExecArray>;
  kill(signal: NodeJS.Signals): void;
  /** The exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>;
}

/**
 * @param input goes to standard input, which is closed after it
 * @param cwd default: this process's
 */
export function startCommand(
  args: readonly string[],
  env: Record<string, string> = {},
  input = "",
  cwd?: string,
): RunningCommand {
  const child = spawn(process.execPath, ["--conditions=otelwasm-source", BIN, ...args], {
    env: { ...process.env, ...env },
    cwd,
  });
  let stdout = "";
  let stderr = "";
  const waiting = new Set<() => void>();
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
    for (const check of waiting) check();
  });
  child.stdin.end(input);
  const ended = once(child, "close").then(([code, signal]) => (code ?? signal) as number | NodeJS.Signals);
  return {
    get stdout() {
      return stdout;
    },
    get stderr() {
      return stderr;
    },
    ended,
    kill: (signal) => void child.kill(signal),
    untilLogged(pattern) {
      const { promise, resolve, reject } = Promise.withResolvers<RegExpExecArray>();
      const check = (): void => {
        const match = pattern.exec(stderr);
        if (match === null) return;
        waiting.delete(check);
        resolve(match);
      };
      waiting.add(check);
      check();
      void ended.then((code) => reject(new Error(`ended with ${code} without ${pattern}; standard error:\n${stderr}`)));
      return promise;
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

/** Runs the command to its end. */
export async function runCommand(
  args: readonly string[],
  env?: Record<string, string>,
  input?: string,
  cwd?: string,
): Promise<{ code: number | NodeJS.Signals; stdout: string; stderr: string }> {
  const command = startCommand(args, env, input, cwd);
  const code = await command.ended;
  return { code, stdout: command.stdout, stderr: command.stderr };
}
