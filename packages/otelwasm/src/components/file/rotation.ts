import { readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, extname, join, resolve } from "node:path";
import type { Logger } from "../../component/logger.ts";

/** `exporters::file::rotation`: the Collector's, and with its file names. */
export interface RotationConfig {
  /** A file that would become larger is set aside before, and a new one begun. */
  readonly max_megabytes: number;
  /** How long files that were set aside stay, by the time in their name; 0: for ever. */
  readonly max_days: number;
  /** How many of them stay; 0: all. */
  readonly max_backups: number;
  /** The time in a name is the machine's and not UTC. */
  readonly localtime: boolean;
}

const DAY_MS = 86_400_000;
const TIME = /^(\d{4}-\d\d-\d\d)T(\d\d)-(\d\d)-(\d\d\.\d{3})$/;

/** `2026-11-21T20-13-05.000`: no character that a file system may refuse. */
function stamp(time: Date, localtime: boolean): string {
  const shown = localtime ? new Date(time.getTime() - time.getTimezoneOffset() * 60_000) : time;
  return shown.toISOString().slice(0, -1).replaceAll(":", "-");
}

function timeOf(text: string, localtime: boolean): number | undefined {
  const parts = TIME.exec(text);
  if (parts === null) return undefined;
  const [, day, hours, minutes, seconds] = parts;
  return Date.parse(`${day}T${hours}:${minutes}:${seconds}${localtime ? "" : "Z"}`);
}

/** Sets files aside: `out.json` becomes `out-2026-11-21T20-13-05.000.json`. */
export class Rotation {
  readonly maxBytes: number;
  readonly #path: string;
  readonly #config: RotationConfig;
  readonly #logger: Logger;

  constructor(path: string, config: RotationConfig, logger: Logger) {
    this.#logger = logger;
    this.#path = resolve(path);
    this.#config = config;
    this.maxBytes = config.max_megabytes * 1024 * 1024;
  }

  /** @param now a later one each time: names have milliseconds, and none may be taken twice */
  async setAside(now: Date): Promise<void> {
    const { prefix, extension } = this.#parts();
    await rename(this.#path, `${prefix}${stamp(now, this.#config.localtime)}${extension}`);
  }

  /** Removes what is too old or too much. That this fails is no reason to refuse data: it is logged. */
  async tidy(now: Date): Promise<void> {
    try {
      await this.#removeUnwanted(now);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#logger.warn("Old files cannot be removed", { path: this.#path, error: reason });
    }
  }

  async #removeUnwanted(now: Date): Promise<void> {
    const { max_backups: count, max_days: days, localtime } = this.#config;
    const { prefix, extension } = this.#parts();
    const folder = dirname(this.#path);
    const start = basename(prefix);
    const asides = (await readdir(folder))
      .flatMap((name) => {
        if (!name.startsWith(start) || !name.endsWith(extension)) return [];
        const time = timeOf(name.slice(start.length, name.length - extension.length), localtime);
        return time === undefined ? [] : [{ name, time }];
      })
      .sort((a, b) => b.time - a.time);
    const unwanted = asides.filter(
      ({ time }, index) => (count > 0 && index >= count) || (days > 0 && now.getTime() - time > days * DAY_MS),
    );
    await Promise.all(unwanted.map(({ name }) => rm(join(folder, name), { force: true })));
  }

  #parts(): { prefix: string; extension: string } {
    const extension = extname(this.#path);
    return { prefix: `${this.#path.slice(0, this.#path.length - extension.length)}-`, extension };
  }
}
