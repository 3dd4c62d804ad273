import { wat } from "../../../runtime/testing/wat.ts";

/** Which version of the extension a guest was built for: of the Rust crate (1), or of Go's (2). */
export type Version = 1 | 2;

/** Names and how many i32 they take; all give one. */
const SAME: Readonly<Record<string, number>> = {
  sock_open: 3,
  sock_bind: 3,
  sock_connect: 3,
  sock_listen: 2,
  sock_recv: 6,
  sock_recv_from: 8,
  sock_send: 5,
  sock_send_to: 7,
  sock_shutdown: 2,
  sock_getsockopt: 5,
  sock_setsockopt: 5,
  sock_getaddrinfo: 8,
  poll_oneoff: 4,
  fd_read: 4,
  fd_write: 4,
  fd_close: 1,
  fd_fdstat_get: 2,
  fd_fdstat_set_flags: 2,
};
const OF_VERSION: Readonly<Record<Version, Readonly<Record<string, number>>>> = {
  1: { sock_accept: 2, sock_getlocaladdr: 4, sock_getpeeraddr: 4 },
  2: { sock_accept: 3, sock_getlocaladdr: 3, sock_getpeeraddr: 3 },
};

/**
 * A guest that exports what it imports, with 16 MiB of memory: its calls are made from outside, one by one.
 *
 * @param fields of the module, more of them; what is imported is `$name`
 * @param others functions that take another number of parameters than in either version
 */
export function socketModule(version: Version, fields = "", others: Readonly<Record<string, number>> = {}): Uint8Array {
  const functions = Object.entries({ ...SAME, ...OF_VERSION[version], ...others });
  const imports = functions.map(
    ([name, count]) =>
      `(import "wasi_snapshot_preview1" "${name}" (func $${name} (param${" i32".repeat(count)}) (result i32)))`,
  );
  // Re-exports of host functions are not calls from a guest in every engine: each goes through a function of the module's own.
  const exports = functions.map(([name, count]) => {
    const parameters = Array.from({ length: count }, (_, i) => `(local.get ${i})`).join(" ");
    return `(func (export "${name}") (param${" i32".repeat(count)}) (result i32) (call $${name} ${parameters}))`;
  });
  return wat(`(module ${imports.join("\n")} (memory (export "memory") 256) ${exports.join("\n")} ${fields})`);
}
