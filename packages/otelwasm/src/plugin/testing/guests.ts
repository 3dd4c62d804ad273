import type { LogLevel } from "../../abi/values.ts";
import { LineWriter, type LogAttributes, type Logger } from "../../component/logger.ts";
import { wat } from "../../runtime/testing/wat.ts";

/** A plugin in the text format: what is not given is a plugin that works and passes everything on. */
export interface GuestParts {
  /** Declarations of imports, before everything else. */
  readonly imports?: string;
  /** Bodies. `alloc` has `$size`; consume has `$pointer` and `$size`. */
  readonly alloc?: string;
  readonly start?: string;
  readonly shutdown?: string;
  readonly consume?: string;
  readonly initialize?: string;
  /** The bitmask of `get_supported_telemetry`. Default: all. */
  readonly telemetry?: number;
  /** Further fields of the module. */
  readonly fields?: string;
  readonly memory?: string;
  /** Names of exports to leave out, or to export under another name. */
  readonly rename?: Readonly<Record<string, string | undefined>>;
}

const MARKER = "abi_version_v1";

export function guest(parts: GuestParts = {}): Uint8Array {
  return wat(guestText(parts));
}

export function guestText(parts: GuestParts): string {
  const rename: Readonly<Record<string, string | undefined>> = parts.rename ?? {};
  const exported = (name: string): string => {
    const other = name in rename ? rename[name] : name;
    return other === undefined ? "" : `(export "${other}")`;
  };
  const consume = (signal: string): string =>
    `(func $consume_${signal} ${exported(`consume_${signal}`)} (param $pointer i32) (param $size i32) (result i32)
       ${parts.consume?.replaceAll("SIGNAL", signal) ?? "(i32.const 0)"})`;
  return `(module
    ${parts.imports ?? ""}
    ${parts.memory ?? `(memory ${exported("memory")} 2)`}
    (func ${exported(MARKER)} unreachable)
    (func $alloc ${exported("alloc")} (param $size i32) (result i32) ${parts.alloc ?? "(i32.const 1024)"})
    (func ${exported("get_supported_telemetry")} (result i32) (i32.const ${parts.telemetry ?? 7}))
    (func ${exported("start")} (result i32) ${parts.start ?? "(i32.const 0)"})
    (func ${exported("shutdown")} (result i32) ${parts.shutdown ?? "(i32.const 0)"})
    ${parts.initialize === undefined ? "" : `(func (export "_initialize") ${parts.initialize})`}
    ${["traces", "metrics", "logs"].map(consume).join("\n")}
    ${parts.fields ?? ""}
  )`;
}

/** Imports of ABI functions, as `$name`. */
export function imports(...names: string[]): string {
  return names.map((name) => importOf(name)).join("\n");
}

const TYPES: Readonly<Record<string, string>> = {
  set_result_traces: "(param i32 i32)",
  set_result_metrics: "(param i32 i32)",
  set_result_logs: "(param i32 i32)",
  get_plugin_config: "(param i32 i32) (result i32)",
  set_status_reason: "(param i32 i32)",
  get_shutdown_requested: "(result i32)",
  log: "(param i32 i32 i32)",
};

export function importOf(name: string, module = "opentelemetry.io/wasm", spelling: string = name): string {
  return `(import "${module}" "${spelling}" (func $${name} ${TYPES[name]}))`;
}

/** Sets what it was given as its result, for the signal that it was given. */
export const ECHO: GuestParts = {
  imports: imports("set_result_traces", "set_result_metrics", "set_result_logs"),
  consume: "(call $set_result_SIGNAL (local.get $pointer) (local.get $size)) (i32.const 0)",
};

/** Text at an address. */
export function data(offset: number, text: string): string {
  const bytes = [...new TextEncoder().encode(text)].map((byte) => `\\${byte.toString(16).padStart(2, "0")}`).join("");
  return `(data (i32.const ${offset}) "${bytes}")`;
}

/** An AssemblyScript string at an address: its size before it. */
export function assemblyScriptString(address: number, text: string): string {
  const bytes = Buffer.alloc(4 + text.length * 2);
  bytes.writeUInt32LE(text.length * 2, 0);
  bytes.write(text, 4, "utf16le");
  const escaped = [...bytes].map((byte) => `\\${byte.toString(16).padStart(2, "0")}`).join("");
  return `(data (i32.const ${address - 4}) "${escaped}")`;
}

/** A logger that keeps its lines as `level: message`. */
export class LineLogger extends LineWriter {
  readonly lines: string[] = [];
  readonly attributes: (LogAttributes | undefined)[] = [];

  /** Its lines are lines here; what they have in common is of no interest. */
  override child(): Logger {
    return this;
  }

  override write(level: LogLevel, message: string, attributes: LogAttributes | undefined): void {
    this.lines.push(`${level}: ${message}`);
    this.attributes.push(attributes);
  }
}
