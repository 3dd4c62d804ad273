/**
 * How a name is reached without leaving the directory that it is in. POSIX has `openat` for that, Node.js has not.
 *
 * On Linux `/proc/self/fd/N/name` says the same: the kernel looks up one name in the directory that is open as N, wherever that directory has been moved
 * since. Nothing that happens to the tree meanwhile leads a lookup elsewhere.
 *
 * Elsewhere paths are used as they are: each name of one is looked at before the next, so that links are followed here and not by the system. Between
 * the look and the use another process, or another instance of the plugin, can put a link in a name's place.
 */
import { type BigIntStats, closeSync, constants, existsSync, fstatSync, lstatSync, openSync } from "node:fs";
import { Errno, WasiError } from "../errno.ts";
import { onHost } from "./host.ts";

/** Something in the file system that the host holds on to. */
export interface Pinned {
  /** As it was when it was found; never of what a link leads to. */
  readonly stats: BigIntStats;
  /** Reaches it. Of a directory also what is in it: `${path}/${name}`. Good until `release`. */
  readonly path: string;
  /** Once. */
  release(): void;
}

/**
 * Finds what is there, without following a link.
 *
 * @param path of something pinned, and at most one name below it
 * @throws WasiError `noent`, `acces`, ...
 */
export type Pin = (path: string) => Pinned;

/** `O_PATH`: opens nothing, and so neither waits for a pipe's other side nor wakes a device. Not among the constants of Node.js. */
const O_PATH = 0x20_0000;

export const pinByDescriptor: Pin = (path) => {
  const fd = onHost(() => openSync(path, O_PATH | constants.O_NOFOLLOW));
  try {
    const stats = onHost(() => fstatSync(fd, { bigint: true }));
    return { stats, path: `/proc/self/fd/${fd}`, release: () => closeSync(fd) };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
};

export const pinByPath: Pin = (path) => ({
  stats: onHost(() => lstatSync(path, { bigint: true })),
  path,
  release() {},
});

export const PIN: Pin = process.platform === "linux" && existsSync("/proc/self/fd") ? pinByDescriptor : pinByPath;

/** Windows takes these for devices, drives, streams or other names. */
const WINDOWS_SPECIAL = /[\\:*?"<>|]|[. ]$|^(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(?:\.|$)/i;

/** @param name without "/", not "." or ".." @throws WasiError `inval` */
export function checkName(name: string, platform: NodeJS.Platform = process.platform): void {
  if (platform === "win32" && WINDOWS_SPECIAL.test(name)) throw new WasiError(Errno.inval);
}
