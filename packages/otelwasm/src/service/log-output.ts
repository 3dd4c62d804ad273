import { fileURLToPath } from "node:url";
import { pino } from "pino";
import { ConfigError } from "../component/errors.ts";
import { Throttle } from "../component/throttle.ts";

/** Writes text before it returns. */
export type WriteText = (text: string) => void;

export interface Outputs {
  readonly write: WriteText;
  /** Closes files. */
  close(): void;
}

const STANDARD: Readonly<Record<string, number>> = { stdout: 1, stderr: 2 };

/** Whether text is `stdout`, `stderr`, a path, or a `file:` URL with an absolute one: what zap opens. */
export function isOutputPath(text: string): boolean {
  if (!/^[a-zA-Z][a-zA-Z0-9+.-]*:\/\//.test(text)) return text !== "";
  const url = URL.parse(text);
  return url?.protocol === "file:" && (url.hostname === "" || url.hostname === "localhost") && url.pathname !== "/";
}

/**
 * Opens everything that is written to; files are appended to.
 *
 * @param paths as `isOutputPath` allows them
 * @param errorPaths where it is said that something could not be written
 * @throws ConfigError that names the path that cannot be opened
 */
export function openOutputs(paths: readonly string[], errorPaths: readonly string[]): Outputs {
  const outputs = paths.map((path) => open(path, "output_paths"));
  const errorOutputs = errorPaths.map((path) => open(path, "error_output_paths"));
  const failures = new Throttle();
  for (const [index, output] of outputs.entries())
    output.on("error", (error: Error) => {
      if (failures.count(paths[index]!) === 0) return;
      const line = `${new Date().toISOString()}  error  Cannot write the log to ${paths[index]}: ${error.message}\n`;
      for (const errorOutput of errorOutputs) errorOutput.write(line);
    });
  // There is nobody left to tell.
  for (const output of errorOutputs) output.on("error", () => {});
  const all = [...paths, ...errorPaths];
  return {
    write(text) {
      for (const output of outputs) output.write(text);
    },
    close() {
      for (const [index, output] of [...outputs, ...errorOutputs].entries())
        if (STANDARD[all[index]!] === undefined) output.end();
    },
  };
}

function open(path: string, key: string) {
  const fd = STANDARD[path];
  if (fd !== undefined) return pino.destination({ fd, sync: true });
  try {
    return pino.destination({ dest: path.includes("://") ? fileURLToPath(path) : path, sync: true, append: true });
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError([`service::telemetry::logs::${key}: cannot open ${path}: ${message}`], { cause });
  }
}
