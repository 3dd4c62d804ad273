/** https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md#fd_close and what else concerns a descriptor as a whole. */
import type { HostFunction } from "../runtime/contract.ts";
import { define, unsigned, unsigned64 } from "./define.ts";
import type { DescriptorTable } from "./descriptor.ts";
import { Errno, WasiError } from "./errno.ts";
import { Right, withRight } from "./rights.ts";

/** https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md#advice: the last of six. */
const LAST_ADVICE = 5;

export function fdFunctions(table: DescriptorTable): HostFunction[] {
  return [
    define("fd_close", ["i32"], (_memory, fd) => {
      table.close(unsigned(fd));
    }),
    define("fd_renumber", ["i32", "i32"], (_memory, from, to) => {
      table.renumber(unsigned(from), unsigned(to));
    }),
    define("fd_sync", ["i32"], (_memory, fd) => {
      withRight(table, unsigned(fd), Right.fdSync).sync(false);
    }),
    define("fd_datasync", ["i32"], (_memory, fd) => {
      withRight(table, unsigned(fd), Right.fdDatasync).sync(true);
    }),
    define("fd_advise", ["i32", "i64", "i64", "i32"], (_memory, fd, _offset, _size, advice) => {
      const descriptor = withRight(table, unsigned(fd), Right.fdAdvise);
      if (unsigned(advice) > LAST_ADVICE) throw new WasiError(Errno.inval);
      // The kernel guesses well enough without; Node.js has no call for it.
      descriptor.advise();
    }),
    define("fd_allocate", ["i32", "i64", "i64"], (_memory, fd, offset, size) => {
      withRight(table, unsigned(fd), Right.fdAllocate).allocate(unsigned64(offset), unsigned64(size));
    }),
  ];
}
