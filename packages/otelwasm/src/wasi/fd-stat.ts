/** https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md#fd_fdstat_get and what else describes a descriptor. */
import type { HostFunction, Memory } from "../runtime/contract.ts";
import { define, unsigned, unsigned64, within } from "./define.ts";
import type { DescriptorTable, Filestat, FileTimes } from "./descriptor.ts";
import { Errno, WasiError } from "./errno.ts";
import { Right, withRight } from "./rights.ts";
import { Clock, readClock } from "./time.ts";

/** filetype u8@0, flags u16@2, rights u64@8, inheriting u64@16. */
const FDSTAT_SIZE = 24;
/** dev u64@0, ino u64@8, filetype u8@16, nlink u64@24, size u64@32, atim u64@40, mtim u64@48, ctim u64@56. */
export const FILESTAT_SIZE = 64;
/** tag u8@0, of a directory the length of its name u32@4. */
const PRESTAT_SIZE = 8;

/** https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md#fstflags */
const Fstflags = { atim: 1, atimNow: 2, mtim: 4, mtimNow: 8 } as const;
/** All of `Fdflags`. */
const ALL_FDFLAGS = 31;

export function fdStatFunctions(table: DescriptorTable): HostFunction[] {
  return [
    define("fd_fdstat_get", ["i32", "i32"], (memory, fd, result) => {
      const at = within("fd_fdstat_get", memory, result, FDSTAT_SIZE);
      const { filetype, flags, rights, inheriting } = table.get(unsigned(fd));
      const view = memory.view();
      view.setBigUint64(at, BigInt(filetype) | (BigInt(flags) << 16n), true);
      view.setBigUint64(at + 8, rights, true);
      view.setBigUint64(at + 16, inheriting, true);
    }),
    define("fd_fdstat_set_flags", ["i32", "i32"], (_memory, fd, flags) => {
      const bits = unsigned(flags);
      const descriptor = withRight(table, unsigned(fd), Right.fdFdstatSetFlags);
      if (bits > ALL_FDFLAGS) throw new WasiError(Errno.inval);
      descriptor.setFlags(bits);
    }),
    define("fd_fdstat_set_rights", ["i32", "i64", "i64"], (_memory, fd, rights, inheriting) => {
      const descriptor = table.get(unsigned(fd));
      const [base, inherited] = [unsigned64(rights), unsigned64(inheriting)];
      // Rights are given up here, never gained.
      if ((base & ~descriptor.rights) !== 0n || (inherited & ~descriptor.inheriting) !== 0n)
        throw new WasiError(Errno.notcapable);
      descriptor.rights = base;
      descriptor.inheriting = inherited;
    }),
    define("fd_filestat_get", ["i32", "i32"], (memory, fd, result) => {
      const at = within("fd_filestat_get", memory, result, FILESTAT_SIZE);
      writeFilestat(memory, at, withRight(table, unsigned(fd), Right.fdFilestatGet).stat());
    }),
    define("fd_filestat_set_size", ["i32", "i64"], (_memory, fd, size) => {
      withRight(table, unsigned(fd), Right.fdFilestatSetSize).setSize(unsigned64(size));
    }),
    define("fd_filestat_set_times", ["i32", "i64", "i64", "i32"], (_memory, fd, atim, mtim, flags) => {
      const descriptor = withRight(table, unsigned(fd), Right.fdFilestatSetTimes);
      descriptor.setTimes(fileTimes(unsigned64(atim), unsigned64(mtim), unsigned(flags)));
    }),
    ...prestatFunctions(table),
  ];
}

function prestatFunctions(table: DescriptorTable): HostFunction[] {
  /** @throws WasiError `badf`: Go looks for preopens from descriptor 3 on until it gets that. */
  const nameOf = (fd: number): Uint8Array => {
    const { preopen } = table.get(fd);
    if (preopen === undefined) throw new WasiError(Errno.badf);
    return new TextEncoder().encode(preopen);
  };
  return [
    define("fd_prestat_get", ["i32", "i32"], (memory, fd, result) => {
      const at = within("fd_prestat_get", memory, result, PRESTAT_SIZE);
      memory.view().setBigUint64(at, BigInt(nameOf(unsigned(fd)).length) << 32n, true);
    }),
    define("fd_prestat_dir_name", ["i32", "i32", "i32"], (memory, fd, path, size) => {
      const at = within("fd_prestat_dir_name", memory, path, unsigned(size));
      const name = nameOf(unsigned(fd));
      if (name.length > unsigned(size)) throw new WasiError(Errno.nametoolong);
      memory.write(at, name);
    }),
  ];
}

/** @param at where there are `FILESTAT_SIZE` bytes */
export function writeFilestat(memory: Memory, at: number, stat: Filestat): void {
  const { dev, ino, filetype, nlink, size, atim, mtim, ctim } = stat;
  const view = memory.view();
  [dev, ino, BigInt(filetype), nlink, size, atim, mtim, ctim].forEach((value, i) => {
    view.setBigUint64(at + i * 8, value, true);
  });
}

/** @throws WasiError `inval` for flags that there are not, or that contradict each other */
export function fileTimes(atim: bigint, mtim: bigint, flags: number): FileTimes {
  const contradiction = (given: number, now: number): boolean => (flags & given) !== 0 && (flags & now) !== 0;
  if (flags > 15 || contradiction(Fstflags.atim, Fstflags.atimNow) || contradiction(Fstflags.mtim, Fstflags.mtimNow))
    throw new WasiError(Errno.inval);
  const chosen = (value: bigint, given: number, now: number): bigint | undefined => {
    if ((flags & given) !== 0) return value;
    return (flags & now) !== 0 ? readClock(Clock.realtime) : undefined;
  };
  return { atim: chosen(atim, Fstflags.atim, Fstflags.atimNow), mtim: chosen(mtim, Fstflags.mtim, Fstflags.mtimNow) };
}
