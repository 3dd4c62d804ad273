/** https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md#proc_exit and what else concerns the guest as a process. */
import type { HostFunction } from "../runtime/contract.ts";
import { WasmError } from "../runtime/errors.ts";
import { define, unsigned, WASI_MODULE } from "./define.ts";
import { Errno } from "./errno.ts";

export function processFunctions(): HostFunction[] {
  return [
    {
      moduleName: WASI_MODULE,
      functionName: "proc_exit",
      params: ["i32"],
      results: [],
      // A plugin that exits is one that cannot go on: its instance is replaced, and the collector's process is none of its business.
      function: (_memory, code) => {
        throw new WasmError("exit", `proc_exit(${unsigned(code)})`);
      },
    },
    // Signals that are ignored by default do nothing; any other would end a process, which is the host's to decide. None can be sent here.
    define("proc_raise", ["i32"], () => Errno.nosys),
    // The instance's thread is its own, or the collector's, which does not wait for guests.
    define("sched_yield", [], () => Errno.success),
  ];
}
