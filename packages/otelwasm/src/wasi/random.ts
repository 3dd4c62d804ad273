/** https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md#random_get */
import { randomFillSync } from "node:crypto";
import type { HostFunction } from "../runtime/contract.ts";
import { define, unsigned, within } from "./define.ts";
import { Errno } from "./errno.ts";

export function randomFunctions(): HostFunction[] {
  return [
    define("random_get", ["i32", "i32"], (memory, pointer, size) => {
      const length = unsigned(size);
      randomFillSync(memory.read(within("random_get", memory, pointer, length), length));
      return Errno.success;
    }),
  ];
}
