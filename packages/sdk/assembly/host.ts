// What the host offers a plugin: ABI v1's imports. Texts and payloads are given as address and size in bytes.

// @ts-ignore: decorator
@external("opentelemetry.io/wasm", "log")
export declare function hostLog(level: i32, pointer: usize, size: usize): void;

// @ts-ignore: decorator
@external("opentelemetry.io/wasm", "set_status_reason")
export declare function setStatusReason(pointer: usize, size: usize): void;

/** @returns the configuration's size; nothing is written if that is more than `limit` */
// @ts-ignore: decorator
@external("opentelemetry.io/wasm", "get_plugin_config")
export declare function getPluginConfig(buffer: usize, limit: usize): usize;

// @ts-ignore: decorator
@external("opentelemetry.io/wasm", "get_shutdown_requested")
export declare function getShutdownRequested(): i32;

// @ts-ignore: decorator
@external("opentelemetry.io/wasm", "set_result_traces")
export declare function setResultTraces(pointer: usize, size: usize): void;

// @ts-ignore: decorator
@external("opentelemetry.io/wasm", "set_result_metrics")
export declare function setResultMetrics(pointer: usize, size: usize): void;

// @ts-ignore: decorator
@external("opentelemetry.io/wasm", "set_result_logs")
export declare function setResultLogs(pointer: usize, size: usize): void;

/** WASI preview 1. @returns an errno; the nanoseconds are at `time` */
// @ts-ignore: decorator
@external("wasi_snapshot_preview1", "clock_time_get")
export declare function clockTimeGet(clock: u32, precision: u64, time: usize): u32;

/** WASI preview 1. @returns an errno; the number of events is at `count` */
// @ts-ignore: decorator
@external("wasi_snapshot_preview1", "poll_oneoff")
export declare function pollOneoff(subscriptions: usize, events: usize, length: usize, count: usize): u32;
