import { ABI_SIGNALS } from "../../abi/names.ts";
import { PLUGIN_HOST, PROCESSING } from "../../abi/world.ts";
import { component, moduleForWorld } from "../../runtime/testing/component.ts";

/** What the batch's first byte has `PROCESSOR` do; a batch that begins with anything else goes on twice. */
export const Does = { pass: 1, drop: 2, refuse: 3, fail: 4, trap: 5, spin: 6, grow: 7, log: 8 } as const;

/** Why `refuse`, `fail`, and a `start` whose configuration begins with `{"refuse`, do not go well. */
export const REASON = "not today";

/** A result at 64, a list of batches at 128, texts at 16, the numbers that `grow` gives at 256, and what the host hands over from 4096 on. */
const module = (telemetry: number): string => `(module
  (import "${PLUGIN_HOST}" "log" (func $log (param i32 i32 i32)))
  (import "${PLUGIN_HOST}" "shutdown-requested" (func $stopping (result i32)))
  (memory (export "memory") 2)
  (global $next (mut i32) (i32.const 4096))
  (data (i32.const 16) "${REASON}")
  (data (i32.const 32) "shut down")
  (func (export "cabi_realloc") (param i32 i32 i32) (param $size i32) (result i32)
    (local $at i32)
    (local.set $at (global.get $next))
    (global.set $next (i32.add (local.get $at) (i32.and (i32.add (local.get $size) (i32.const 7)) (i32.const -8))))
    (if (i32.gt_u (global.get $next) (i32.mul (memory.size) (i32.const 65536)))
      (then (drop (memory.grow (i32.add (i32.const 1) (i32.shr_u (local.get $size) (i32.const 16)))))))
    (local.get $at))
  (func $answer (param $error i32) (param $case i32) (param $at i32) (param $size i32) (result i32)
    (i32.store8 (i32.const 64) (local.get $error))
    (i32.store8 (i32.const 68) (local.get $case))
    (i32.store (i32.const 72) (local.get $at))
    (i32.store (i32.const 76) (local.get $size))
    (i32.const 64))
  (func $batches (param $count i32) (param $at i32) (param $size i32) (result i32)
    (i32.store (i32.const 128) (local.get $at))
    (i32.store (i32.const 132) (local.get $size))
    (i32.store (i32.const 136) (local.get $at))
    (i32.store (i32.const 140) (local.get $size))
    (call $answer (i32.const 0) (i32.const 1) (i32.const 128) (local.get $count)))
  (func $done (param i32) (global.set $next (i32.const 4096)))
  (func $refused (param $case i32) (result i32)
    (call $answer (i32.const 1) (local.get $case) (i32.const 16) (i32.const ${REASON.length})))
  (func (export "${PROCESSING}#get-supported-telemetry") (result i32) (i32.const ${telemetry}))
  (func (export "${PROCESSING}#start") (param $at i32) (param $size i32) (result i32)
    (call $log (i32.const 2) (local.get $at) (local.get $size))
    (if (result i32) (i32.eq (i32.load8_u (i32.add (local.get $at) (i32.const 2))) (i32.const 0x72))
      (then (i32.store8 (i32.const 64) (i32.const 1))
        (i32.store8 (i32.const 68) (i32.const 0))
        (i32.store (i32.const 72) (i32.const 16))
        (i32.store (i32.const 76) (i32.const ${REASON.length}))
        (i32.const 64))
      (else (call $answer (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)))))
  (func $consume (param $at i32) (param $size i32) (result i32)
    (local $does i32)
    (local.set $does (if (result i32) (local.get $size) (then (i32.load8_u (local.get $at))) (else (i32.const 0))))
    (if (i32.eq (local.get $does) (i32.const ${Does.pass}))
      (then (return (call $answer (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)))))
    (if (i32.eq (local.get $does) (i32.const ${Does.drop}))
      (then (return (call $batches (i32.const 0) (i32.const 0) (i32.const 0)))))
    (if (i32.eq (local.get $does) (i32.const ${Does.refuse})) (then (return (call $refused (i32.const 1)))))
    (if (i32.eq (local.get $does) (i32.const ${Does.fail})) (then (return (call $refused (i32.const 0)))))
    (if (i32.eq (local.get $does) (i32.const ${Does.trap})) (then (unreachable)))
    (if (i32.eq (local.get $does) (i32.const ${Does.spin})) (then (loop $spin (br $spin))))
    (if (i32.eq (local.get $does) (i32.const ${Does.grow})) (then
      (loop $more (br_if $more (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))
      (i32.store (i32.const 256) (memory.size))
      (return (call $batches (i32.const 1) (i32.const 256) (i32.const 4)))))
    (if (i32.eq (local.get $does) (i32.const ${Does.log})) (then
      (call $log (i32.load8_u (i32.add (local.get $at) (i32.const 1))) (i32.add (local.get $at) (i32.const 2)) (i32.sub (local.get $size) (i32.const 2)))
      (i32.store8 (i32.const 256) (call $stopping))
      (return (call $batches (i32.const 1) (i32.const 256) (i32.const 1)))))
    (call $batches (i32.const 2) (local.get $at) (local.get $size)))
  ${ABI_SIGNALS.map(
    (signal) => `(export "${PROCESSING}#consume-${signal}" (func $consume))
  (export "cabi_post_${PROCESSING}#consume-${signal}" (func $done))`,
  ).join("\n")}
  (func (export "${PROCESSING}#shutdown") (result i32)
    (call $log (i32.const 1) (i32.const 32) (i32.const 9))
    (call $answer (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))))`;

/** What a compiler makes of a plugin, before it is a component. */
export function processorModule(): Promise<Uint8Array> {
  return moduleForWorld({ module: module(7) });
}

/** @param telemetry the bits of what it says that it supports */
export function processorComponent(telemetry = 7): Promise<Uint8Array> {
  return component({ module: module(telemetry) });
}
