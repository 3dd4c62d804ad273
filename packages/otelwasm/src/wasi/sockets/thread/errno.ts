import { Errno } from "../../errno.ts";

/** The errno of an error of Node's: its codes are POSIX's names. */
export function errnoOf(error: unknown): Errno {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return ERRNOS.get(code) ?? Errno.io;
}

const ERRNOS: ReadonlyMap<string, Errno> = new Map([
  ...Object.entries(Errno).map(([name, errno]): [string, Errno] => [`E${name.toUpperCase()}`, errno]),
  ["EACCES", Errno.acces],
  ["ERR_SOCKET_BAD_PORT", Errno.inval],
  ["ERR_SOCKET_DGRAM_IS_CONNECTED", Errno.isconn],
]);
