import { readFileSync } from "node:fs";

/**
 * The bytes of a file; `-` is standard input.
 *
 * @throws Error that names the file
 */
export function readInput(file: string): Buffer {
  try {
    return readFileSync(file === "-" ? 0 : file);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const problem = code === "ENOENT" ? "no such file" : code === "EISDIR" ? "it is a folder" : message;
    throw new Error(`cannot read ${JSON.stringify(file)}: ${problem}`, { cause });
  }
}
