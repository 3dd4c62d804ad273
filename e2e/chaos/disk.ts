/** Where a store is kept, and what can happen to it. */
import { execFileSync } from "node:child_process";
import { closeSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../guests.ts";

const BLOCK = Buffer.alloc(64 * 1024);

/** A folder: on the disk that there is, or on a small one of its own, which can be full. */
export class Disk implements Disposable {
  readonly folder: string = temporaryFolder();
  readonly #mounted: boolean;

  /** @param size of a disk of its own, as `mount` takes it: needs root's rights */
  constructor(size?: string) {
    this.#mounted = size !== undefined;
    if (size !== undefined) mount("-t", "tmpfs", "-o", `size=${size}`, "tmpfs", this.folder);
  }

  /** Takes all the room that is left. */
  fill(): void {
    const file = openSync(join(this.folder, "filler"), "w");
    try {
      for (let length = BLOCK.length; length > 0; length >>= 1) while (fits(file, length));
    } finally {
      closeSync(file);
    }
  }

  empty(): void {
    rmSync(join(this.folder, "filler"), { force: true });
  }

  /** Only while nobody has it open. */
  readOnly(): void {
    mount("-o", "remount,ro", this.folder);
  }

  [Symbol.dispose](): void {
    if (this.#mounted) execFileSync("umount", ["-l", this.folder], { stdio: "ignore" });
  }
}

function fits(file: number, length: number): boolean {
  try {
    return writeSync(file, BLOCK, 0, length) === length;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOSPC") return false;
    throw error;
  }
}

function mount(...args: readonly string[]): void {
  execFileSync("mount", args, { stdio: ["ignore", "ignore", "pipe"] });
}

let reason: string | undefined | null = null;

/** @returns why there can be no disk of one's own here; undefined if there can */
export function whyNoDisk(): string | undefined {
  if (reason === null) {
    try {
      new Disk("1m")[Symbol.dispose]();
      reason = undefined;
    } catch (error) {
      reason = `needs mount: no file system can be mounted here (root's rights are needed): ${error instanceof Error ? error.message.split("\n")[0] : error}`;
    }
  }
  return reason;
}
