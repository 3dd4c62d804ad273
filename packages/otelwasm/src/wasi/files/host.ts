import type { BigIntStats } from "node:fs";
import { type Filestat, Filetype } from "../descriptor.ts";
import { Errno, WasiError } from "../errno.ts";

/** What one platform calls otherwise than WASI does. */
const RENAMED: Readonly<Record<string, Errno>> = { EOPNOTSUPP: Errno.notsup, EWOULDBLOCK: Errno.again };

/** Calls the host's file system. @throws WasiError in place of what Node.js throws */
export function onHost<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw fromHost(error);
  }
}

/** Node.js has the names of POSIX, and so has WASI, without the E. */
function fromHost(error: unknown): unknown {
  if (error instanceof WasiError || !(error instanceof Error)) return error;
  const { code = "", message, syscall } = error as NodeJS.ErrnoException;
  if (syscall === undefined) return error;
  const name = code.slice(1).toLowerCase();
  return new WasiError(RENAMED[code] ?? (isErrno(name) ? Errno[name] : Errno.io), message);
}

function isErrno(name: string): name is keyof typeof Errno {
  return Object.hasOwn(Errno, name);
}

export function filetypeOf(
  entry: Pick<
    BigIntStats,
    "isFile" | "isDirectory" | "isSymbolicLink" | "isCharacterDevice" | "isBlockDevice" | "isSocket"
  >,
): Filetype {
  if (entry.isFile()) return Filetype.regularFile;
  if (entry.isDirectory()) return Filetype.directory;
  if (entry.isSymbolicLink()) return Filetype.symbolicLink;
  if (entry.isCharacterDevice()) return Filetype.characterDevice;
  if (entry.isBlockDevice()) return Filetype.blockDevice;
  return entry.isSocket() ? Filetype.socketStream : Filetype.unknown;
}

export function filestatOf(stats: BigIntStats): Filestat {
  const { dev, ino, nlink, size, atimeNs, mtimeNs, ctimeNs } = stats;
  return {
    dev: BigInt.asUintN(64, dev),
    ino: BigInt.asUintN(64, ino),
    filetype: filetypeOf(stats),
    nlink,
    size,
    atim: BigInt.asUintN(64, atimeNs),
    mtim: BigInt.asUintN(64, mtimeNs),
    ctim: BigInt.asUintN(64, ctimeNs),
  };
}

/** Nanoseconds in the form that Node.js takes, seconds: of today's times that keeps about a quarter of a microsecond. */
export function secondsOf(nanoseconds: bigint): number {
  return Number(nanoseconds / 1_000_000_000n) + Number(nanoseconds % 1_000_000_000n) / 1e9;
}

/** @throws WasiError `fbig`: no file system has files of that size */
export function positionOf(offset: bigint): number {
  if (offset > BigInt(Number.MAX_SAFE_INTEGER)) throw new WasiError(Errno.fbig);
  return Number(offset);
}
