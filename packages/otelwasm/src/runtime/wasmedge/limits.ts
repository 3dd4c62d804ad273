/**
 * The interpreter keeps the frames of a guest's calls in memory of its own, without any limit: recursion without end takes all that the machine has, for a minute, before the engine gives up and ends the process.
 * So the process gets a limit: https://man7.org/linux/man-pages/man2/setrlimit.2.html
 */
import { readFileSync } from "node:fs";
import { ffi, NativeBlock } from "../native/ffi.ts";

/** For what is not the guest's memory: the engine's frames, JavaScript's heap, batches. */
const HEADROOM_BYTES = 1024 ** 3;

/** `RLIMIT_DATA`, `RLIMIT_CORE`, and `struct rlimit`, on Linux. */
const Resource = { data: 2, core: 4 } as const;
const CURRENT_AT = 0;
const MAXIMUM_AT = 8;

/** What all instances of the process may have together; it only grows. */
let guestBytes = 0;

/**
 * Lets the process have the memory of one more guest, and `HEADROOM_BYTES` beside what it has now, but no more. Elsewhere than on Linux nothing limits it.
 *
 * @param bytes that the guest's memories may have together
 */
export function allowGuest(bytes: number): void {
  if (process.platform !== "linux") return;
  const used = dataBytes();
  if (used === undefined) return;
  guestBytes = Math.max(guestBytes, bytes);
  limit(Resource.data, used + guestBytes + HEADROOM_BYTES);
  // A file as large as the process, for each time that a guest ends it.
  limit(Resource.core, 0);
}

/** What counts for `RLIMIT_DATA` now. */
function dataBytes(): number | undefined {
  const kilobytes = /^VmData:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
}

function limit(resource: number, bytes: number): void {
  const libc = ffi().load(null);
  const block = new NativeBlock(16);
  const apply = (name: string): unknown => libc.func(name, "int", ["int", "size_t"])(resource, block.address);
  if (apply("getrlimit") === 0) {
    const maximum = block.view.getBigUint64(MAXIMUM_AT, true);
    const wanted = BigInt(Math.ceil(bytes));
    block.view.setBigUint64(CURRENT_AT, wanted < maximum ? wanted : maximum, true);
    apply("setrlimit");
  }
  block.free();
}
