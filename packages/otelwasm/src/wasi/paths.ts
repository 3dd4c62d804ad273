/** How the functions of `path.ts` and their siblings get at what a guest names. */
import type { Memory, Value } from "../runtime/contract.ts";
import { unsigned, within } from "./define.ts";
import type { DescriptorTable } from "./descriptor.ts";
import { Errno, WasiError } from "./errno.ts";
import { Directory } from "./files/directory.ts";
import type { Place } from "./files/resolve.ts";
import type { Refusals } from "./refusals.ts";
import { withRight } from "./rights.ts";

/** What the functions of files work on. */
export interface Files {
  readonly table: DescriptorTable;
  readonly refusals: Refusals;
}

/** In bytes, as Linux has it. */
const MAX_PATH = 4096;
/** https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md#lookupflags */
const SYMLINK_FOLLOW = 1;
/** What Go passes where it has found no preopen for a path. Other C libraries say by themselves that there is no such file. */
const NO_DIRECTORY = 0xffff_ffff;

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * @throws WasmError `host` if it is outside the memory
 * @throws WasiError `nametoolong`; `ilseq` if it is not UTF-8; `inval` if there is a zero in it; `noent` if it is empty
 */
export function pathAt(
  functionName: string,
  memory: Memory,
  pointer: Value | undefined,
  size: Value | undefined,
): string {
  const length = unsigned(size);
  const start = within(functionName, memory, pointer, length);
  if (length > MAX_PATH) throw new WasiError(Errno.nametoolong);
  const text = decode(memory.read(start, length));
  if (text.includes("\0")) throw new WasiError(Errno.inval);
  if (text === "") throw new WasiError(Errno.noent);
  return text;
}

function decode(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new WasiError(Errno.ilseq);
  }
}

/** @throws WasiError `badf`, `notdir`, `notcapable`; `noent` where a guest says that there is none for the path */
export function directoryAt({ table, refusals }: Files, fd: Value | undefined, path: string, right: bigint): Directory {
  const number = unsigned(fd);
  if (number === NO_DIRECTORY) {
    refusals.tell(
      "files",
      `the plugin was refused ${JSON.stringify(path)}: it is in no directory that is granted; to grant one, add it to "files", as { host: /directory/here, guest: /directory/for/the/plugin }`,
      "info",
    );
    throw new WasiError(Errno.noent);
  }
  const descriptor = table.get(number);
  if (!(descriptor instanceof Directory)) throw new WasiError(Errno.notdir);
  withRight(table, number, right);
  return descriptor;
}

/** @throws WasiError `inval` for flags that there are not */
export function followsLinks(flags: Value | undefined): boolean {
  const bits = unsigned(flags);
  if (bits > SYMLINK_FOLLOW) throw new WasiError(Errno.inval);
  return bits === SYMLINK_FOLLOW;
}

/** Whether it ends in a way that only a directory's may. */
export function meansDirectory(path: string): boolean {
  return path.endsWith("/") || path.endsWith("/.");
}

/** Finds what a path leads to, for as long as `use` runs. */
export function at<T>(directory: Directory, path: string, follow: boolean, use: (place: Place) => T): T {
  const place = directory.mount.resolve(directory, path, follow);
  try {
    return use(place);
  } finally {
    place.release();
  }
}
