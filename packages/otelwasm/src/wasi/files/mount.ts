import { Errno, WasiError } from "../errno.ts";
import type { FileGrant } from "../grants.ts";
import type { Refusals } from "../refusals.ts";
import { DIRECTORY_RIGHTS, FILE_RIGHTS } from "../rights.ts";
import { Directory } from "./directory.ts";
import type { Pin, Pinned } from "./pin.ts";
import { OutsideError, type Place, resolvePath } from "./resolve.ts";

/** A granted directory, and all that is below it. */
export class Mount {
  readonly grant: FileGrant;
  readonly pin: Pin;
  readonly #refusals: Refusals;

  constructor(grant: FileGrant, refusals: Refusals, pin: Pin) {
    this.grant = grant;
    this.#refusals = refusals;
    this.pin = pin;
  }

  /** @throws WasiError if the directory is not there any more */
  open(): Directory {
    const { host, guest } = this.grant;
    // The links on the way to it are the configuration's; what is held is the directory.
    const held = this.#hold(host);
    return new Directory(this, held, { base: DIRECTORY_RIGHTS, inheriting: DIRECTORY_RIGHTS | FILE_RIGHTS }, guest);
  }

  #hold(host: string): Pinned {
    try {
      return this.pin(`${host}/.`);
    } catch (error) {
      if (!(error instanceof WasiError)) throw error;
      throw new WasiError(
        error.errno,
        `files: the directory ${host}, which is granted, cannot be opened: ${error.message}`,
      );
    }
  }

  /** `resolvePath` below one of its directories; what leads outside is told to whoever configured the plugin. */
  resolve(directory: Directory, path: string, follow: boolean): Place {
    try {
      return resolvePath(this.pin, directory.path, path, follow);
    } catch (error) {
      if (error instanceof OutsideError) this.outside(path, error.message);
      throw error;
    }
  }

  outside(path: string, why: string): void {
    this.#refusals.tell(
      `outside ${this.grant.guest}`,
      `the plugin was refused ${JSON.stringify(path)} in ${this.grant.guest} (${this.grant.host}): ${why}, and what is outside of a granted directory is not granted with it; to grant more, add the directory to "files"`,
    );
  }

  /** Before anything in it is changed. @throws WasiError `rofs` */
  change(): void {
    const { host, guest, writable } = this.grant;
    if (writable) return;
    this.#refusals.tell(
      `write ${guest}`,
      `the plugin was refused to write in ${guest} (${host}), which is granted for reading: to grant more, write "mode: read_write" to it in "files"`,
    );
    throw new WasiError(Errno.rofs);
  }
}
