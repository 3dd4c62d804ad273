/**
 * What AssemblyScript's programs import from `env` unless they are configured not to:
 * https://www.assemblyscript.org/concepts.html#special-imports. Strings are UTF-16, their size in bytes stands in the four bytes before.
 */
import type { LogLevel } from "../abi/values.ts";
import type { Logger } from "../component/logger.ts";
import type { HostFunction, Memory, Value, ValueType } from "../runtime/contract.ts";
import { WasmError } from "../runtime/errors.ts";

/** Characters of one line that are taken; the rest is cut. */
const MAX_CHARACTERS = 32 * 1024;

const utf16 = new TextDecoder("utf-16le");

/** `console.<name>` of the guest, and the level that its lines have. */
const CONSOLE: Readonly<Record<string, LogLevel>> = {
  "console.log": "info",
  "console.debug": "debug",
  "console.info": "info",
  "console.warn": "warn",
  "console.error": "error",
};

export function assemblyScriptFunctions(logger: Logger): HostFunction[] {
  return [
    define("abort", ["i32", "i32", "i32", "i32"], [], (memory, message, file, line, column) => {
      const place = `${readString(memory, file) ?? "unknown file"}:${unsigned(line)}:${unsigned(column)}`;
      const text = `abort: ${readString(memory, message) ?? "no message"} at ${place}`;
      logger.error(text);
      throw new WasmError("exit", text);
    }),
    define("trace", ["i32", "i32", "f64", "f64", "f64", "f64", "f64"], [], (memory, message, count, ...values) => {
      const shown = values.slice(0, Math.min(unsigned(count), values.length));
      logger.debug([readString(memory, message) ?? "", ...shown].join(" "));
      return undefined;
    }),
    define("seed", [], ["f64"], () => Math.random() * Number.MAX_SAFE_INTEGER),
    define("Date.now", [], ["f64"], () => Date.now()),
    ...Object.entries(CONSOLE).map(([name, level]) =>
      define(name, ["i32"], [], (memory, message) => {
        logger[level](readString(memory, message) ?? "null");
        return undefined;
      }),
    ),
  ];
}

function define(
  functionName: string,
  params: readonly ValueType[],
  results: readonly ValueType[],
  implementation: HostFunction["function"],
): HostFunction {
  return { moduleName: "env", functionName, params, results, function: implementation };
}

function unsigned(value: Value | undefined): number {
  return Number(value ?? 0) >>> 0;
}

/** `undefined` for null. A wild pointer gives a remark instead of a trap: the guest is about to abort, and that message matters more. */
function readString(memory: Memory, value: Value | undefined): string | undefined {
  const pointer = unsigned(value);
  if (pointer === 0) return undefined;
  const size = memory.byteLength;
  if (pointer < 4 || pointer > size) return `(string at ${pointer}, outside the memory of ${size} bytes)`;
  const length = memory.view().getUint32(pointer - 4, true);
  if (pointer + length > size) return `(string of ${length} bytes at ${pointer}, outside the memory of ${size} bytes)`;
  const text = utf16.decode(memory.read(pointer, Math.min(length, MAX_CHARACTERS * 2)));
  return length > MAX_CHARACTERS * 2 ? `${text}... (cut: ${length} bytes)` : text;
}
