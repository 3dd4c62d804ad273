import { type Descriptor, type DescriptorTable, Filetype } from "./descriptor.ts";
import { Errno, WasiError } from "./errno.ts";

/** https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md#rights, as bits of a u64. */
export const Right = {
  fdDatasync: 0x1n,
  fdRead: 0x2n,
  fdSeek: 0x4n,
  fdFdstatSetFlags: 0x8n,
  fdSync: 0x10n,
  fdTell: 0x20n,
  fdWrite: 0x40n,
  fdAdvise: 0x80n,
  fdAllocate: 0x100n,
  pathCreateDirectory: 0x200n,
  pathCreateFile: 0x400n,
  pathLinkSource: 0x800n,
  pathLinkTarget: 0x1000n,
  pathOpen: 0x2000n,
  fdReaddir: 0x4000n,
  pathReadlink: 0x8000n,
  pathRenameSource: 0x10000n,
  pathRenameTarget: 0x20000n,
  pathFilestatGet: 0x40000n,
  pathFilestatSetSize: 0x80000n,
  pathFilestatSetTimes: 0x100000n,
  fdFilestatGet: 0x200000n,
  fdFilestatSetSize: 0x400000n,
  fdFilestatSetTimes: 0x800000n,
  pathSymlink: 0x1000000n,
  pathRemoveDirectory: 0x2000000n,
  pathUnlinkFile: 0x4000000n,
  pollFdReadwrite: 0x8000000n,
  sockShutdown: 0x10000000n,
  sockAccept: 0x20000000n,
} as const;

/** No seek and no tell: by that the C library knows a terminal, and ends its buffer with each line. */
const STREAM_RIGHTS: bigint = Right.fdFdstatSetFlags | Right.fdFilestatGet | Right.pollFdReadwrite;
export const INPUT_RIGHTS: bigint = STREAM_RIGHTS | Right.fdRead;
export const OUTPUT_RIGHTS: bigint = STREAM_RIGHTS | Right.fdWrite;

/** All that applies to a file. */
export const FILE_RIGHTS: bigint =
  Right.fdDatasync |
  Right.fdRead |
  Right.fdSeek |
  Right.fdFdstatSetFlags |
  Right.fdSync |
  Right.fdTell |
  Right.fdWrite |
  Right.fdAdvise |
  Right.fdAllocate |
  Right.fdFilestatGet |
  Right.fdFilestatSetSize |
  Right.fdFilestatSetTimes |
  Right.pollFdReadwrite;

/** All that applies to a directory. */
export const DIRECTORY_RIGHTS: bigint =
  Right.fdFdstatSetFlags |
  Right.fdSync |
  Right.fdReaddir |
  Right.fdFilestatGet |
  Right.fdFilestatSetTimes |
  Right.pathCreateDirectory |
  Right.pathCreateFile |
  Right.pathLinkSource |
  Right.pathLinkTarget |
  Right.pathOpen |
  Right.pathReadlink |
  Right.pathRenameSource |
  Right.pathRenameTarget |
  Right.pathFilestatGet |
  Right.pathFilestatSetSize |
  Right.pathFilestatSetTimes |
  Right.pathSymlink |
  Right.pathRemoveDirectory |
  Right.pathUnlinkFile;

/** What can be done with a stream or a socket at all. */
const STREAM_KIND: bigint = INPUT_RIGHTS | OUTPUT_RIGHTS | Right.sockShutdown | Right.sockAccept;

/**
 * A descriptor that may be used so.
 *
 * @throws WasiError `badf` if there is none; `notcapable` if it lacks the right, or `badf` if that is to read or to write, as in POSIX. A descriptor whose
 *   kind cannot be used so at all comes back: what it throws then says why.
 */
export function withRight(table: DescriptorTable, fd: number, right: bigint): Descriptor {
  const descriptor = table.get(fd);
  if ((descriptor.rights & right) === right || (kindRights(descriptor) & right) !== right) return descriptor;
  throw new WasiError(right === Right.fdRead || right === Right.fdWrite ? Errno.badf : Errno.notcapable);
}

function kindRights({ filetype }: Descriptor): bigint {
  if (filetype === Filetype.directory) return DIRECTORY_RIGHTS;
  return filetype === Filetype.regularFile ? FILE_RIGHTS : STREAM_KIND;
}
