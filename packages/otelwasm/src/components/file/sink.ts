import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { ConfigError, ConsumerError } from "../../component/errors.ts";
import type { FileExporterConfig } from "./config.ts";
import { createFolder } from "./folder.ts";
import type { Rotation } from "./rotation.ts";

/** What the sink does with an open file: a part of Node's `FileHandle`. */
export interface SinkFile {
  appendFile(bytes: Uint8Array): Promise<void>;
  stat(): Promise<{ readonly size: number }>;
  truncate(size: number): Promise<void>;
  close(): Promise<void>;
}

interface Waiting {
  readonly bytes: Uint8Array;
  resolve(): void;
  reject(error: ConsumerError): void;
}

/** Batches that wait while one is being written go together in the next write, up to this many bytes. */
const BLOCK_BYTES = 4 << 20;

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** One file, written by one batch after the other. Exporters of several signals share it: it is opened by the first and closed by the last. */
export class FileSink {
  readonly #path: string;
  readonly #openFile: () => Promise<SinkFile>;
  readonly #rotation: Rotation | undefined;
  #setAsideAt = 0;
  /** The open file has another name already, and the next one could not be opened yet. */
  #isAside = false;
  #file: Promise<SinkFile> | undefined;
  #users = 0;
  #waiting: Waiting[] = [];
  /** While something is being written. */
  #writing: Promise<void> | undefined;
  /** Where the last complete batch ends. */
  #size = 0;

  constructor(path: string, openFile: () => Promise<SinkFile>, rotation?: Rotation) {
    this.#path = path;
    this.#openFile = openFile;
    this.#rotation = rotation;
  }

  async open(): Promise<void> {
    this.#file ??= this.#opened();
    try {
      await this.#file;
    } catch (error) {
      this.#file = undefined;
      throw error;
    }
    this.#users++;
  }

  /**
   * Resolves when the operating system has the bytes; they survive the process, but perhaps not the machine.
   *
   * @throws ConsumerError retryable; nothing of these bytes is in the file
   */
  write(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ bytes, resolve, reject });
      this.#writing ??= this.#writeWaiting();
    });
  }

  async close(): Promise<void> {
    if (this.#users === 0 || --this.#users > 0) return;
    await this.#writing;
    const file = this.#file;
    this.#file = undefined;
    await (await file)?.close();
  }

  async #opened(): Promise<SinkFile> {
    const file = await this.#openFile();
    this.#size = (await file.stat()).size;
    return file;
  }

  async #writeWaiting(): Promise<void> {
    while (this.#waiting.length > 0) {
      let bytes = 0;
      const count = this.#waiting.findIndex((one, index) => {
        bytes += one.bytes.length;
        return index > 0 && bytes > BLOCK_BYTES;
      });
      const block = this.#waiting.splice(0, count < 0 ? this.#waiting.length : count);
      try {
        await this.#writeBlock(block.length === 1 ? block[0]!.bytes : Buffer.concat(block.map((one) => one.bytes)));
        for (const { resolve } of block) resolve();
      } catch (error) {
        const failure = ConsumerError.retryable(`cannot write to ${this.#path}: ${messageOf(error)}`, { cause: error });
        for (const { reject } of block) reject(failure);
      }
    }
    // In the same turn in which nothing was waiting any more: whoever comes next begins anew.
    this.#writing = undefined;
  }

  async #writeBlock(bytes: Uint8Array): Promise<void> {
    let file = await this.#file;
    if (file === undefined) throw new Error("the file is not open");
    if (this.#rotation !== undefined && this.#size > 0 && this.#size + bytes.length > this.#rotation.maxBytes)
      file = await this.#rotate(file, this.#rotation);
    try {
      await file.appendFile(bytes);
      this.#size += bytes.length;
    } catch (error) {
      await this.#takeBack(file);
      throw error;
    }
  }

  /** A batch is never torn apart: one that is longer than a file may be has a file of its own. */
  async #rotate(file: SinkFile, rotation: Rotation): Promise<SinkFile> {
    if (!this.#isAside) {
      // Its name has the time in milliseconds; two within one would be one file.
      this.#setAsideAt = Math.max(Date.now(), this.#setAsideAt + 1);
      await rotation.setAside(new Date(this.#setAsideAt));
      this.#isAside = true;
    }
    const next = await this.#openFile();
    this.#isAside = false;
    this.#file = Promise.resolve(next);
    this.#size = (await next.stat()).size;
    await file.close();
    await rotation.tidy(new Date(this.#setAsideAt));
    return next;
  }

  /** Part of a block may be in the file: what is tried again must not follow half a line. */
  async #takeBack(file: SinkFile): Promise<void> {
    try {
      const { size } = await file.stat();
      if (size > this.#size) await file.truncate(this.#size);
      else this.#size = size;
    } catch (error) {
      throw new Error(`${messageOf(error)}, and an incomplete batch may stand at the end of the file`, {
        cause: error,
      });
    }
  }
}

/** @throws ConfigError when the file cannot be opened; says what to do about it */
export async function openOutput(config: FileExporterConfig, id: string): Promise<SinkFile> {
  const path = resolve(config.path);
  const folder = dirname(path);
  try {
    if (config.create_directory) createFolder(folder, config.directory_permissions);
    const keeps = config.append || config.rotation !== undefined;
    const { O_WRONLY, O_CREAT, O_APPEND, O_TRUNC } = constants;
    // O_APPEND in either case: whoever rotates the file by truncating it gets no hole.
    return await open(path, O_WRONLY | O_CREAT | O_APPEND | (keeps ? 0 : O_TRUNC), 0o600);
  } catch (error) {
    const missing = error instanceof Error && "code" in error && error.code === "ENOENT" && !config.create_directory;
    const advice = missing ? ` The folder ${folder} does not exist: create it, or set create_directory: true.` : "";
    throw new ConfigError([`exporters::${id}::path: cannot open ${path}: ${messageOf(error)}.${advice}`], {
      cause: error,
    });
  }
}
