/** Plugins in WebAssembly's text format that work, until they get a large batch. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import wabt from "wabt";
import { temporaryFolder } from "../guests.ts";

/** A payload of more bytes is what a hostile guest was waiting for. */
export const LARGE = 4096;

/** Written to the log before the hostile part of a call: from here on it runs. */
export const BEGINS = "the hostile call begins";

/** Instructions; where a value is returned they may end without one, the guest then does what a good one does. */
export interface HostileParts {
  /** When asked for room for a large batch, and when given one. */
  readonly alloc?: string;
  readonly consume?: string;
  /** Whatever it is asked. */
  readonly always?: string;
  readonly initialize?: string;
  readonly telemetry?: string;
  readonly start?: string;
  readonly shutdown?: string;
  /** Makes it a receiver of traces instead. */
  readonly receive?: string;
  readonly memory?: string;
  readonly imports?: string;
  readonly fields?: string;
}

const MODULE = "opentelemetry.io/wasm";
const IMPORTS: Readonly<Record<string, string>> = {
  set_result_traces: "(param i32 i32)",
  set_result_metrics: "(param i32 i32)",
  set_result_logs: "(param i32 i32)",
  get_plugin_config: "(param i32 i32) (result i32)",
  set_status_reason: "(param i32 i32)",
  get_shutdown_requested: "(result i32)",
  log: "(param i32 i32 i32)",
};

function hostileText(parts: HostileParts): string {
  const largeOnly = (body: string | undefined): string =>
    body === undefined ? "" : `(if (i32.gt_u (local.get $size) (i32.const ${LARGE})) (then (call $begins) ${body}))`;
  const begun = (body: string | undefined): string => (body === undefined ? "" : `(call $begins) ${body}`);
  const consume = (signal: string): string =>
    `(func (export "consume_${signal}") (param $pointer i32) (param $size i32) (result i32)
       ${parts.always ?? ""} ${largeOnly(parts.consume)} (i32.const 0))`;
  const imports = Object.entries(IMPORTS).map(
    ([name, type]) => `(import "${MODULE}" "${name}" (func $${name} ${type}))`,
  );
  return `(module
    ${imports.join("\n    ")}
    ${parts.imports ?? ""}
    ${parts.memory ?? `(memory (export "memory") 2)`}
    (data (i32.const 16) "${BEGINS}")
    (func $begins (call $log (i32.const 2) (i32.const 16) (i32.const ${BEGINS.length})))
    (func (export "abi_version_v1"))
    (func (export "get_supported_telemetry") (result i32) ${parts.telemetry ?? ""} (i32.const 7))
    (func (export "alloc") (param $size i32) (result i32) ${largeOnly(parts.alloc)} (i32.const 1024))
    ${parts.initialize === undefined ? "" : `(func (export "_initialize") ${parts.initialize})`}
    (func (export "start") (result i32) ${begun(parts.start)} (i32.const 0))
    (func (export "shutdown") (result i32) ${begun(parts.shutdown)} (i32.const 0))
    ${
      parts.receive === undefined
        ? ["traces", "metrics", "logs"].map(consume).join("\n    ")
        : `(func (export "start_traces_receiver") ${begun(parts.receive)})`
    }
    ${parts.fields ?? ""})`;
}

/** Bytes at an address, as a field of the module. */
export function dataAt(address: number, bytes: Uint8Array): string {
  return `(data (i32.const ${address}) "${[...bytes].map((byte) => `\\${byte.toString(16).padStart(2, "0")}`).join("")}")`;
}

/** @returns the path of the binary, in a folder that is gone when the process ends */
export async function hostileGuest(parts: HostileParts): Promise<string> {
  return compileText(hostileText(parts));
}

/** @returns the path of the binary, in a folder that is gone when the process ends */
async function compileText(text: string): Promise<string> {
  const module = (await wabt()).parseWat("guest.wat", text);
  const path = join(temporaryFolder(), "guest.wasm");
  writeFileSync(path, module.toBinary({}).buffer);
  module.destroy();
  return path;
}
