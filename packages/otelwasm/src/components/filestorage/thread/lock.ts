import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Failure, isBusy } from "./failure.ts";

/**
 * Takes a directory for this process. The lock is the system's, on a file by SQLite: it goes with the process, whatever becomes of that. It is not that of the
 * database itself, which is put aside when it is damaged.
 *
 * @param timeout milliseconds to wait for another process
 * @returns lets go of it
 * @throws Failure `in_use`, or an error of SQLite
 */
export function lock(directory: string, timeout: number): () => void {
  const holder = join(directory, "otelwasm.pid");
  const db = new DatabaseSync(join(directory, "otelwasm.lock"), { timeout });
  try {
    // Nothing is ever written to it: no file for what could be undone.
    db.exec("PRAGMA journal_mode = OFF; BEGIN EXCLUSIVE");
  } catch (error) {
    db.close();
    if (!isBusy(error)) throw error;
    throw new Failure(
      "in_use",
      `${directory} is in use by another process${readHolder(holder)}, and was for ${timeout} ms: each collector needs a directory of its own`,
    );
  }
  try {
    writeFileSync(holder, `${process.pid}\n`);
  } catch {
    // It is for a message only; if there is no room, others can still be delivered and deleted.
  }
  return () => {
    rmSync(holder, { force: true });
    db.close();
  };
}

function readHolder(path: string): string {
  try {
    const pid = readFileSync(path, "utf8").trim();
    return /^\d+$/.test(pid) ? `, probably the one with the id ${pid}` : "";
  } catch {
    return "";
  }
}
