import { mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Makes a folder, and those above it that are missing.
 *
 * Not `mkdirSync(folder, { recursive: true })`: that never returns where a file system answers "no such file" for a new name in a
 * folder that is there, as `/proc` does.
 *
 * @param mode of the folders that are made, less the process's umask
 */
export function createFolder(folder: string, mode = 0o777): void {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true) return;
  const parent = dirname(folder);
  if (parent !== folder) createFolder(parent, mode);
  try {
    mkdirSync(folder, { mode });
  } catch (error) {
    // Somebody else has made it meanwhile.
    const there = statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true;
    if (!there) throw error;
  }
}
