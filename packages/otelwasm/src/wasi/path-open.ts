/** https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md#path_open */
import type { HostFunction } from "../runtime/contract.ts";
import { define, unsigned, unsigned64, within } from "./define.ts";
import { type Descriptor, Fdflags } from "./descriptor.ts";
import { Errno, WasiError } from "./errno.ts";
import { Directory } from "./files/directory.ts";
import type { Pinned } from "./files/pin.ts";
import { type Access, openFile, RegularFile, truncateOrClose } from "./files/regular.ts";
import type { Place } from "./files/resolve.ts";
import { at, directoryAt, type Files, followsLinks, meansDirectory, pathAt } from "./paths.ts";
import { DIRECTORY_RIGHTS, FILE_RIGHTS, Right } from "./rights.ts";

/** https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md#oflags */
const Oflags = { creat: 1, directory: 2, excl: 4, trunc: 8 } as const;
const ALL_OFLAGS = 15;
const ALL_FDFLAGS = Fdflags.append | Fdflags.dsync | Fdflags.nonblock | Fdflags.rsync | Fdflags.sync;

/** How often a name may come or go between the look and the opening. */
const MAX_ATTEMPTS = 16;

interface Request {
  readonly directory: Directory;
  readonly path: string;
  readonly follow: boolean;
  readonly create: boolean;
  readonly exclusive: boolean;
  readonly truncate: boolean;
  readonly mustBeDirectory: boolean;
  /** What the guest asks for and the directory passes on. */
  readonly rights: bigint;
  readonly inheriting: bigint;
  readonly access: Access;
}

export function pathOpenFunctions(files: Files): HostFunction[] {
  return [
    define(
      "path_open",
      ["i32", "i32", "i32", "i32", "i32", "i64", "i64", "i32", "i32"],
      (memory, fd, lookup, pointer, size, oflags, rights, inheriting, fdflags, result) => {
        const resultAt = within("path_open", memory, result, 4);
        const path = pathAt("path_open", memory, pointer, size);
        const [how, flags] = [unsigned(oflags), unsigned(fdflags)];
        const follow = followsLinks(lookup);
        if ((how & Oflags.creat) !== 0 && (how & Oflags.directory) !== 0) throw new WasiError(Errno.inval);
        if (how > ALL_OFLAGS || flags > ALL_FDFLAGS) throw new WasiError(Errno.inval);
        const directory = directoryAt(files, fd, path, rightsFor(how));
        const wanted = unsigned64(rights);
        // To get less than these would be a surprise; what else is asked for is often all there is.
        if ((wanted & (Right.fdRead | Right.fdWrite) & ~directory.inheriting) !== 0n)
          throw new WasiError(Errno.notcapable);
        const opened = open({
          directory,
          path,
          follow,
          create: (how & Oflags.creat) !== 0,
          exclusive: (how & (Oflags.creat | Oflags.excl)) === (Oflags.creat | Oflags.excl),
          truncate: (how & Oflags.trunc) !== 0,
          mustBeDirectory: (how & Oflags.directory) !== 0 || meansDirectory(path),
          rights: wanted & directory.inheriting,
          inheriting: unsigned64(inheriting) & directory.inheriting,
          access: { read: (wanted & Right.fdRead) !== 0n, write: (wanted & Right.fdWrite) !== 0n, flags },
        });
        memory.view().setUint32(resultAt, addOrClose(files, opened), true);
      },
    ),
  ];
}

function rightsFor(oflags: number): bigint {
  const create = (oflags & Oflags.creat) === 0 ? 0n : Right.pathCreateFile;
  return Right.pathOpen | create | ((oflags & Oflags.trunc) === 0 ? 0n : Right.pathFilestatSetSize);
}

function addOrClose({ table }: Files, descriptor: Descriptor): number {
  try {
    return table.add(descriptor);
  } catch (error) {
    descriptor.close();
    throw error;
  }
}

function open(request: Request): Descriptor {
  const { directory, path, exclusive } = request;
  const follow = (request.follow && !exclusive) || meansDirectory(path);
  for (let attempt = 1; ; attempt++) {
    try {
      return at(directory, path, follow, (place) => openPlace(request, place));
    } catch (error) {
      if (!(error instanceof MovedError) || attempt === MAX_ATTEMPTS) throw error;
    }
  }
}

/** Between the look and the opening something came to be there, which is not opened unseen. */
class MovedError extends WasiError {}

function openPlace(request: Request, place: Place): Descriptor {
  const { create, exclusive, mustBeDirectory } = request;
  const found = place.look();
  if (found === undefined) {
    if (create) return createFile(request, place.path);
    throw new WasiError(Errno.noent);
  }
  const { stats } = found;
  if (exclusive) throw new WasiError(Errno.exist);
  if (stats.isDirectory()) {
    const opened = openDirectory(request, found);
    place.keep();
    return opened;
  }
  if (stats.isSymbolicLink()) throw new WasiError(Errno.loop);
  if (mustBeDirectory) throw new WasiError(Errno.notdir);
  // A pipe would make wait, and a device is no file of this directory: neither is opened, not even to look.
  if (!stats.isFile()) throw new WasiError(Errno.acces);
  return openRegular(request, found.path);
}

function openDirectory(request: Request, found: Pinned): Directory {
  const { directory, rights, inheriting, access, create, mustBeDirectory } = request;
  if (create || request.truncate || (access.write && !mustBeDirectory)) throw new WasiError(Errno.isdir);
  return new Directory(directory.mount, found, { base: rights & DIRECTORY_RIGHTS, inheriting });
}

/** @param path reaches what was looked at */
function openRegular(request: Request, path: string): RegularFile {
  const { directory, rights, access } = request;
  if (access.write || request.truncate) directory.mount.change();
  // To make it empty the host must be able to write, whatever the guest may do with it afterwards.
  const fd = openFile(path, { ...access, write: access.write || request.truncate }, "existing");
  if (request.truncate) truncateOrClose(fd);
  return new RegularFile(directory.mount, fd, access, rights & FILE_RIGHTS);
}

function createFile(request: Request, path: string): RegularFile {
  const { directory, rights, access, exclusive } = request;
  if (meansDirectory(request.path)) throw new WasiError(Errno.isdir);
  directory.mount.change();
  try {
    return new RegularFile(directory.mount, openFile(path, access, "new"), access, rights & FILE_RIGHTS);
  } catch (error) {
    if (error instanceof WasiError && error.errno === Errno.exist && !exclusive) throw new MovedError(Errno.again);
    throw error;
  }
}
