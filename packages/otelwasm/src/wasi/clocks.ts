/** https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md#clock_time_get and its sibling. */
import type { HostFunction } from "../runtime/contract.ts";
import { define, unsigned, within } from "./define.ts";
import { Errno } from "./errno.ts";
import { readClock } from "./time.ts";

/** In nanoseconds: both clocks are read with it, whatever precision the guest asks for. */
const RESOLUTION = 1000n;

export function clockFunctions(): HostFunction[] {
  return [
    define("clock_time_get", ["i32", "i64", "i32"], (memory, clock, _precision, time) => {
      const now = readClock(unsigned(clock));
      if (now === undefined) return Errno.inval;
      memory.view().setBigUint64(within("clock_time_get", memory, time, 8), now, true);
      return Errno.success;
    }),
    define("clock_res_get", ["i32", "i32"], (memory, clock, resolution) => {
      if (readClock(unsigned(clock)) === undefined) return Errno.inval;
      memory.view().setBigUint64(within("clock_res_get", memory, resolution, 8), RESOLUTION, true);
      return Errno.success;
    }),
  ];
}
