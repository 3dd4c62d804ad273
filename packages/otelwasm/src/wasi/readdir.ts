/** https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md#fd_readdir */
import type { HostFunction, Memory } from "../runtime/contract.ts";
import { define, unsigned, unsigned64, within } from "./define.ts";
import type { DescriptorTable } from "./descriptor.ts";
import { Errno, WasiError } from "./errno.ts";
import { Directory, type DirectoryEntry } from "./files/directory.ts";
import { Right, withRight } from "./rights.ts";

/** next u64@0, ino u64@8, namlen u32@16, type u8@20; the name follows. */
const DIRENT_SIZE = 24;

export function readdirFunctions(table: DescriptorTable): HostFunction[] {
  return [
    define("fd_readdir", ["i32", "i32", "i32", "i64", "i32"], (memory, fd, buffer, size, cookie, result) => {
      const resultAt = within("fd_readdir", memory, result, 4);
      const length = unsigned(size);
      const start = within("fd_readdir", memory, buffer, length);
      const directory = withRight(table, unsigned(fd), Right.fdReaddir);
      if (!(directory instanceof Directory)) throw new WasiError(Errno.notdir);
      const used = fill(memory, start, length, directory, unsigned64(cookie));
      memory.view().setUint32(resultAt, used, true);
    }),
  ];
}

/**
 * A cookie is the number of entries before the one that is meant. The last entry may be cut by the end of the buffer: a buffer that is not full means that
 * there is no more.
 *
 * @returns bytes written
 */
function fill(memory: Memory, start: number, size: number, directory: Directory, cookie: bigint): number {
  const entries = directory.entries(cookie === 0n);
  let used = 0;
  for (let index = Number(cookie); index < entries.length && used < size; index++) {
    const bytes = encode(entries[index]!, index + 1, directory).subarray(0, size - used);
    memory.write(start + used, bytes);
    used += bytes.length;
  }
  return used;
}

function encode(entry: DirectoryEntry, next: number, directory: Directory): Uint8Array {
  const name = new TextEncoder().encode(entry.name);
  const bytes = new Uint8Array(DIRENT_SIZE + name.length);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(next), true);
  view.setBigUint64(8, directory.inodeOf(entry), true);
  view.setUint32(16, name.length, true);
  view.setUint8(20, entry.filetype);
  bytes.set(name, DIRENT_SIZE);
  return bytes;
}
