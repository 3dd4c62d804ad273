/** The functions of preview 1, sockets excepted, with what each parameter is: data for guests that call them, and for calls that are wrong on purpose. */
import type { Value, ValueType } from "../../runtime/contract.ts";

export interface Parameter {
  readonly type: ValueType;
  /** `fd`: a descriptor. `pointer`: to so many bytes that the function uses, whatever else it is given. `size`: of what the parameter before it points to. */
  readonly kind: "value" | "fd" | "pointer" | "size";
  /** One that is no mistake. */
  readonly valid: Value;
}

/** Room for results, in a memory of at least one page. */
export const RESULT = 1024;
/** Room for buffers; a path, `PATH`, is to be there where one is read. */
export const BUFFER = 2048;
export const PATH = "a";
/** Where a list of one buffer is to be: 16 bytes at `BUFFER`. */
export const LIST = 512;

const value = (valid: Value = 0): Parameter => ({
  type: typeof valid === "bigint" ? "i64" : "i32",
  kind: "value",
  valid,
});
const pointer = (valid: number = RESULT): Parameter => ({ type: "i32", kind: "pointer", valid });
const size = (valid: number): Parameter => ({ type: "i32", kind: "size", valid });

const fd: Parameter = { ...value(3), kind: "fd" };
const path = [pointer(BUFFER), size(PATH.length)];
const list = [pointer(LIST), size(1)];
const buffer = [pointer(BUFFER), size(64)];

export const SIGNATURES: Readonly<Record<string, readonly Parameter[]>> = {
  args_get: [pointer(), pointer(BUFFER)],
  args_sizes_get: [pointer(), pointer(BUFFER)],
  environ_get: [pointer(), pointer(BUFFER)],
  environ_sizes_get: [pointer(), pointer(BUFFER)],
  clock_res_get: [value(1), pointer()],
  clock_time_get: [value(1), value(0n), pointer()],
  fd_advise: [fd, value(0n), value(0n), value()],
  fd_allocate: [fd, value(0n), value(1n)],
  fd_close: [fd],
  fd_datasync: [fd],
  fd_fdstat_get: [fd, pointer()],
  fd_fdstat_set_flags: [fd, value()],
  fd_fdstat_set_rights: [fd, value(0n), value(0n)],
  fd_filestat_get: [fd, pointer()],
  fd_filestat_set_size: [fd, value(0n)],
  fd_filestat_set_times: [fd, value(0n), value(0n), value()],
  fd_pread: [fd, ...list, value(0n), pointer()],
  fd_prestat_get: [fd, pointer()],
  fd_prestat_dir_name: [fd, ...buffer],
  fd_pwrite: [fd, ...list, value(0n), pointer()],
  fd_read: [fd, ...list, pointer()],
  fd_readdir: [fd, ...buffer, value(0n), pointer()],
  fd_renumber: [fd, value(3)],
  fd_seek: [fd, value(0n), value(), pointer()],
  fd_sync: [fd],
  fd_tell: [fd, pointer()],
  fd_write: [fd, ...list, pointer()],
  path_create_directory: [fd, ...path],
  path_filestat_get: [fd, value(), ...path, pointer()],
  path_filestat_set_times: [fd, value(), ...path, value(0n), value(0n), value()],
  path_link: [fd, value(), ...path, fd, ...path],
  path_open: [fd, value(), ...path, value(), value(0n), value(0n), value(), pointer()],
  path_readlink: [fd, ...path, ...buffer, pointer()],
  path_remove_directory: [fd, ...path],
  path_rename: [fd, ...path, fd, ...path],
  path_symlink: [...path, fd, ...path],
  path_unlink_file: [fd, ...path],
  poll_oneoff: [pointer(), pointer(BUFFER), value(1), pointer(LIST)],
  proc_raise: [value(6)],
  random_get: [...buffer],
  sched_yield: [],
};

/** A module that exports each of them under its own name, and its memory. `proc_exit` is one more. */
export function forwarder(pages: number): string {
  const imports: string[] = ['(import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))'];
  const functions: string[] = ['(func (export "proc_exit") (param i32) (call $proc_exit (local.get 0)))'];
  for (const [name, parameters] of Object.entries(SIGNATURES)) {
    const type = `(param ${parameters.map((parameter) => parameter.type).join(" ")}) (result i32)`;
    const all = parameters.map((_, i) => `(local.get ${i})`).join(" ");
    imports.push(`(import "wasi_snapshot_preview1" "${name}" (func $${name} ${type}))`);
    functions.push(`(func (export "${name}") ${type} (call $${name} ${all}))`);
  }
  return `(module ${imports.join("\n")} (memory (export "memory") ${pages}) ${functions.join("\n")})`;
}
