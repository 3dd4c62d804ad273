import { randomFillSync } from "node:crypto";
import { rmSync, statfsSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Room that is kept on the disk. To delete takes room, too, for a moment: on a disk without any, what has been delivered could not be deleted, and there would
 * never be room again. Then the spare file goes, and nothing new is taken until there is one again.
 */
export class Spare {
  readonly #path: string;
  #held = false;

  constructor(path: string) {
    this.#path = path;
  }

  /** @param size bytes. @returns whether the file is there, or could be made again */
  hold(size: number): boolean {
    if (this.#held) return true;
    try {
      this.#held = statSync(this.#path, { throwIfNoEntry: false })?.size === size;
      if (this.#held) return true;
      this.release();
      const { bavail, bsize } = statfsSync(dirname(this.#path));
      if (bavail * bsize < 2 * size) return false;
      // Not zeros: there are file systems that would keep none of them.
      writeFileSync(this.#path, randomFillSync(new Uint8Array(size)));
      this.#held = true;
    } catch {
      this.release();
    }
    return this.#held;
  }

  /** Gives the room away. */
  release(): void {
    this.#held = false;
    rmSync(this.#path, { force: true });
  }

  get held(): boolean {
    return this.#held;
  }
}
