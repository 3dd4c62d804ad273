/** https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md#random_get */
import { randomFillSync } from "node:crypto";
import type { HostFunction } from "../runtime/contract.ts";
import { define, unsigned, within } from "./define.ts";
import { Errno } from "./errno.ts";

/** The generator of Node.js takes no more than 2 GiB at once; less is as quick. */
const CHUNK = 2 ** 20;

export function randomFunctions(): HostFunction[] {
  return [
    define("random_get", ["i32", "i32"], (memory, pointer, size) => {
      const length = unsigned(size);
      const start = within("random_get", memory, pointer, length);
      for (let done = 0; done < length; done += CHUNK)
        randomFillSync(memory.read(start + done, Math.min(CHUNK, length - done)));
      return Errno.success;
    }),
  ];
}
