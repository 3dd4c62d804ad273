import type { Logger } from "../component/logger.ts";
import { WatchedFiles } from "./watched-files.ts";

/** How soon a new password is to be known, in milliseconds. */
const LOOK_MS = 1_000;

/** Where a secret is: in the configuration, or in a file, where it may change. */
export interface CredentialSource {
  readonly text?: string | undefined;
  /** If it is there, it is what counts. */
  readonly file?: string | undefined;
}

/** A secret of the configuration; one in a file is followed. Space around what a file has does not count. */
export class Credential {
  readonly #logger: Logger;
  readonly #where: string;
  readonly #onChange: (() => void) | undefined;
  readonly #files: WatchedFiles | undefined;
  readonly #file: string | undefined;
  #value: string;

  /**
   * @param where the file stands, for messages: `extensions::bearertokenauth::filename`
   * @param onChange after the value has become another
   */
  constructor({ text, file }: CredentialSource, where: string, logger: Logger, onChange?: () => void) {
    this.#value = text ?? "";
    this.#where = where;
    this.#logger = logger;
    this.#onChange = onChange;
    this.#file = file;
    if (file === undefined) return;
    this.#files = new WatchedFiles(
      [file],
      LOOK_MS,
      ([contents]) => this.#changed(contents!),
      (error) => this.#keep(error.message),
    );
  }

  /** Valid after `open`. */
  get value(): string {
    return this.#value;
  }

  /** @throws Error that names the key and the file: it cannot be read, or has nothing in it */
  async open(): Promise<void> {
    if (this.#files === undefined) return;
    const [contents] = await this.#files.open().catch((cause: unknown) => {
      throw new Error(`${this.#where}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    });
    this.#value = contents!.toString().trim();
    if (this.#value !== "") return;
    this.#files.close();
    throw new Error(`${this.#where}: ${JSON.stringify(this.#file)} is empty`);
  }

  close(): void {
    this.#files?.close();
  }

  #changed(contents: Buffer): void {
    const value = contents.toString().trim();
    if (value === "") {
      this.#keep(`${JSON.stringify(this.#file)} is empty`);
      return;
    }
    if (value === this.#value) return;
    this.#value = value;
    this.#logger.info("A file with a credential has changed", { file: this.#file });
    this.#onChange?.();
  }

  #keep(reason: string): void {
    this.#logger.warn(`${this.#where}: the last value stays in use: ${reason}`);
  }
}
