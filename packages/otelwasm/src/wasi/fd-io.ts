/** https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md#fd_read and what else moves bytes or the position. */
import type { HostFunction, Value } from "../runtime/contract.ts";
import { define, unsigned, unsigned64, within } from "./define.ts";
import { type Descriptor, type DescriptorTable, Whence } from "./descriptor.ts";
import { Errno, WasiError } from "./errno.ts";
import { buffersAt } from "./iovec.ts";
import { Right, withRight } from "./rights.ts";

export function fdIoFunctions(table: DescriptorTable): HostFunction[] {
  return [
    define("fd_read", ["i32", "i32", "i32", "i32"], (memory, fd, list, count, size) => {
      const sizeAt = within("fd_read", memory, size, 4);
      const buffers = buffersAt("fd_read", memory, list, count);
      const read = withRight(table, unsigned(fd), Right.fdRead).read(buffers);
      memory.view().setUint32(sizeAt, read, true);
    }),
    define("fd_write", ["i32", "i32", "i32", "i32"], (memory, fd, list, count, size) => {
      const sizeAt = within("fd_write", memory, size, 4);
      const buffers = buffersAt("fd_write", memory, list, count);
      const written = withRight(table, unsigned(fd), Right.fdWrite).write(buffers);
      memory.view().setUint32(sizeAt, written, true);
    }),
    define("fd_pread", ["i32", "i32", "i32", "i64", "i32"], (memory, fd, list, count, offset, size) => {
      const sizeAt = within("fd_pread", memory, size, 4);
      const buffers = buffersAt("fd_pread", memory, list, count);
      const read = withRight(table, unsigned(fd), Right.fdRead).pread(buffers, unsigned64(offset));
      memory.view().setUint32(sizeAt, read, true);
    }),
    define("fd_pwrite", ["i32", "i32", "i32", "i64", "i32"], (memory, fd, list, count, offset, size) => {
      const sizeAt = within("fd_pwrite", memory, size, 4);
      const buffers = buffersAt("fd_pwrite", memory, list, count);
      const written = withRight(table, unsigned(fd), Right.fdWrite).pwrite(buffers, unsigned64(offset));
      memory.view().setUint32(sizeAt, written, true);
    }),
    define("fd_seek", ["i32", "i64", "i32", "i32"], (memory, fd, offset, whence, position) => {
      const positionAt = within("fd_seek", memory, position, 8);
      const how = whenceOf(unsigned(whence));
      const by = BigInt.asIntN(64, BigInt(offset ?? 0n));
      const descriptor =
        how === Whence.cur && by === 0n ? withTell(table, fd) : withRight(table, unsigned(fd), Right.fdSeek);
      memory.view().setBigUint64(positionAt, descriptor.seek(by, how), true);
    }),
    define("fd_tell", ["i32", "i32"], (memory, fd, position) => {
      const positionAt = within("fd_tell", memory, position, 8);
      memory.view().setBigUint64(positionAt, withTell(table, fd).seek(0n, Whence.cur), true);
    }),
  ];
}

/** The right to seek implies that to tell. */
function withTell(table: DescriptorTable, fd: Value | undefined): Descriptor {
  const { rights } = table.get(unsigned(fd));
  return withRight(table, unsigned(fd), (rights & Right.fdSeek) !== 0n ? Right.fdSeek : Right.fdTell);
}

function whenceOf(value: number): Whence {
  const whence = Object.values(Whence).find((known) => known === value);
  if (whence === undefined) throw new WasiError(Errno.inval);
  return whence;
}
