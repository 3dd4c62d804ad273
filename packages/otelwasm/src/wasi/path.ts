/** https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md#path_create_directory and its siblings, `path_open` excepted. */
import {
  linkSync,
  lutimesSync,
  mkdirSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
} from "node:fs";
import type { HostFunction } from "../runtime/contract.ts";
import { define, unsigned, unsigned64, within } from "./define.ts";
import { Errno, WasiError } from "./errno.ts";
import { FILESTAT_SIZE, fileTimes, writeFilestat } from "./fd-stat.ts";
import { filestatOf, onHost, secondsOf } from "./files/host.ts";
import type { Pinned } from "./files/pin.ts";
import { isAbsolute, type Place } from "./files/resolve.ts";
import { at, directoryAt, type Files, followsLinks, meansDirectory, pathAt } from "./paths.ts";
import { Right } from "./rights.ts";

export function pathFunctions(files: Files): HostFunction[] {
  return [...changingFunctions(files), ...pairFunctions(files), ...describingFunctions(files)];
}

/** What makes and removes one name. */
function changingFunctions(files: Files): HostFunction[] {
  return [
    define("path_create_directory", ["i32", "i32", "i32"], (memory, fd, pointer, size) => {
      const path = pathAt("path_create_directory", memory, pointer, size);
      const directory = directoryAt(files, fd, path, Right.pathCreateDirectory);
      at(directory, path, false, (place) => {
        directory.mount.change();
        onHost(() => mkdirSync(place.path));
      });
    }),
    define("path_remove_directory", ["i32", "i32", "i32"], (memory, fd, pointer, size) => {
      const path = pathAt("path_remove_directory", memory, pointer, size);
      const directory = directoryAt(files, fd, path, Right.pathRemoveDirectory);
      at(directory, path, false, (place) => {
        directory.mount.change();
        onHost(() => rmdirSync(place.path));
      });
    }),
    define("path_unlink_file", ["i32", "i32", "i32"], (memory, fd, pointer, size) => {
      const path = pathAt("path_unlink_file", memory, pointer, size);
      const directory = directoryAt(files, fd, path, Right.pathUnlinkFile);
      at(directory, path, false, (place) => {
        directory.mount.change();
        const { stats } = existing(place);
        // Platforms differ in what they say.
        if (stats.isDirectory()) throw new WasiError(Errno.isdir);
        if (meansDirectory(path)) throw new WasiError(Errno.notdir);
        onHost(() => unlinkSync(place.path));
      });
    }),
    define("path_symlink", ["i32", "i32", "i32", "i32", "i32"], (memory, target, targetSize, fd, pointer, size) => {
      const text = pathAt("path_symlink", memory, target, targetSize);
      const path = pathAt("path_symlink", memory, pointer, size);
      const directory = directoryAt(files, fd, path, Right.pathSymlink);
      at(directory, path, false, (place) => {
        directory.mount.change();
        if (isAbsolute(text)) {
          // It would mean another place to whoever follows it on the host.
          directory.mount.outside(path, `a link to "${text}" is absolute`);
          throw new WasiError(Errno.perm);
        }
        mustBeNew(place, path);
        onHost(() => symlinkSync(text, place.path));
      });
    }),
  ];
}

/** What concerns two names. */
function pairFunctions(files: Files): HostFunction[] {
  return [
    define(
      "path_link",
      ["i32", "i32", "i32", "i32", "i32", "i32", "i32"],
      (memory, fd, lookup, pointer, size, toFd, toPointer, toSize) => {
        const path = pathAt("path_link", memory, pointer, size);
        const toPath = pathAt("path_link", memory, toPointer, toSize);
        const from = directoryAt(files, fd, path, Right.pathLinkSource);
        const to = directoryAt(files, toFd, toPath, Right.pathLinkTarget);
        at(from, path, followsLinks(lookup) || meansDirectory(path), (source) =>
          at(to, toPath, false, (target) => {
            to.mount.change();
            // A second name elsewhere would outlive what this grant says about the file.
            if (from.mount !== to.mount) throw new WasiError(Errno.xdev);
            const { stats } = existing(source);
            if (stats.isDirectory()) throw new WasiError(Errno.perm);
            if (meansDirectory(path)) throw new WasiError(Errno.notdir);
            mustBeNew(target, toPath);
            onHost(() => linkSync(source.path, target.path));
          }),
        );
      },
    ),
    define(
      "path_rename",
      ["i32", "i32", "i32", "i32", "i32", "i32"],
      (memory, fd, pointer, size, toFd, toPointer, toSize) => {
        const path = pathAt("path_rename", memory, pointer, size);
        const toPath = pathAt("path_rename", memory, toPointer, toSize);
        const from = directoryAt(files, fd, path, Right.pathRenameSource);
        const to = directoryAt(files, toFd, toPath, Right.pathRenameTarget);
        at(from, path, false, (source) =>
          at(to, toPath, false, (target) => {
            from.mount.change();
            to.mount.change();
            if (from.mount !== to.mount) throw new WasiError(Errno.xdev);
            const { stats } = existing(source);
            if ((meansDirectory(path) || meansDirectory(toPath)) && !stats.isDirectory())
              throw new WasiError(Errno.notdir);
            onHost(() => renameSync(source.path, target.path));
          }),
        );
      },
    ),
  ];
}

/** What tells about a name, and changes what is told. */
function describingFunctions(files: Files): HostFunction[] {
  return [
    define("path_filestat_get", ["i32", "i32", "i32", "i32", "i32"], (memory, fd, lookup, pointer, size, result) => {
      const resultAt = within("path_filestat_get", memory, result, FILESTAT_SIZE);
      const path = pathAt("path_filestat_get", memory, pointer, size);
      const directory = directoryAt(files, fd, path, Right.pathFilestatGet);
      const { stats } = at(directory, path, followsLinks(lookup) || meansDirectory(path), (place) =>
        asNamed(existing(place), path),
      );
      writeFilestat(memory, resultAt, filestatOf(stats));
    }),
    define(
      "path_filestat_set_times",
      ["i32", "i32", "i32", "i32", "i64", "i64", "i32"],
      (memory, fd, lookup, pointer, size, atim, mtim, flags) => {
        const path = pathAt("path_filestat_set_times", memory, pointer, size);
        const directory = directoryAt(files, fd, path, Right.pathFilestatSetTimes);
        const times = fileTimes(unsigned64(atim), unsigned64(mtim), unsigned(flags));
        at(directory, path, followsLinks(lookup) || meansDirectory(path), (place) => {
          directory.mount.change();
          const found = asNamed(existing(place), path);
          const { stats } = found;
          const accessed = secondsOf(times.atim ?? stats.atimeNs);
          const modified = secondsOf(times.mtim ?? stats.mtimeNs);
          // A link is reached by its name only; anything else by what was found, which can have no other's place.
          if (stats.isSymbolicLink()) onHost(() => lutimesSync(place.path, accessed, modified));
          else onHost(() => utimesSync(found.path, accessed, modified));
        });
      },
    ),
    define(
      "path_readlink",
      ["i32", "i32", "i32", "i32", "i32", "i32"],
      (memory, fd, pointer, size, buffer, bufferSize, result) => {
        const resultAt = within("path_readlink", memory, result, 4);
        const length = unsigned(bufferSize);
        const bufferAt = within("path_readlink", memory, buffer, length);
        const path = pathAt("path_readlink", memory, pointer, size);
        const directory = directoryAt(files, fd, path, Right.pathReadlink);
        const target = at(directory, path, meansDirectory(path), (place) => onHost(() => readlinkSync(place.path)));
        const bytes = new TextEncoder().encode(target).subarray(0, length);
        memory.write(bufferAt, bytes);
        memory.view().setUint32(resultAt, bytes.length, true);
      },
    ),
  ];
}

/** @throws WasiError `noent` */
function existing(place: Place): Pinned {
  const found = place.look();
  if (found === undefined) throw new WasiError(Errno.noent);
  return found;
}

/** @throws WasiError `notdir` if the path ends in a slash, and what it leads to is no directory */
function asNamed(found: Pinned, path: string): Pinned {
  if (meansDirectory(path) && !found.stats.isDirectory()) throw new WasiError(Errno.notdir);
  return found;
}

/** A new name that is no directory's: a slash at its end cannot be meant. @throws WasiError `exist`, `notdir`, `noent` */
function mustBeNew(place: Place, path: string): void {
  const stats = place.look()?.stats;
  if (stats === undefined && meansDirectory(path)) throw new WasiError(Errno.noent);
  if (stats !== undefined)
    throw new WasiError(meansDirectory(path) && !stats.isDirectory() ? Errno.notdir : Errno.exist);
}
