//! The plugin's side of ABI v1: what a plugin in Rust exports and imports besides its own logic. It is small and needs nothing but
//! the standard library: copy it into a plugin of your own.
#![allow(dead_code, reason = "no plugin needs all of it")]

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt::Display;

/// What `get_supported_telemetry` answers is made of these.
pub const METRICS: u32 = 1;
pub const LOGS: u32 = 2;
pub const TRACES: u32 = 4;

/// The answer of `start`, `shutdown` and `consume_X`.
pub type Status = i32;
pub const OK: Status = 0;

/// Why a batch, or the start, is refused; the text reaches the host as the reason.
pub enum Refusal {
    /// Another try may end better: the sender is told so.
    Failed(String),
    /// Another try would end the same way: the sender is told not to.
    Invalid(String),
}

#[derive(Clone, Copy)]
pub enum Level {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
}

/// Writes a line to the collector's log, under the name of the component.
pub fn log(level: Level, text: &str) {
    unsafe { host::log(level as u32, text.as_ptr(), text.len()) }
}

/// What a receiver's loop has to ask about once a second: once true, it returns.
pub fn shutdown_requested() -> bool {
    unsafe { host::get_shutdown_requested() != 0 }
}

/// The component's `plugin_config`: JSON, `{}` where there is none.
pub fn config() -> Vec<u8> {
    // The host writes nothing into a buffer that is too small, and says how large it has to be.
    let mut buffer = vec![0; 1024];
    loop {
        let size = unsafe { host::get_plugin_config(buffer.as_mut_ptr(), buffer.len()) };
        let fits = size <= buffer.len();
        buffer.resize(size, 0);
        if fits {
            return buffer;
        }
    }
}

/// Refuses as one that may be tried again.
pub fn failed(reason: impl Display) -> Refusal {
    Refusal::Failed(reason.to_string())
}

/// Refuses for good.
pub fn invalid(reason: impl Display) -> Refusal {
    Refusal::Invalid(reason.to_string())
}

pub fn status(result: Result<(), Refusal>) -> Status {
    let (status, reason) = match result {
        Ok(()) => return OK,
        Err(Refusal::Failed(reason)) => (1, reason),
        Err(Refusal::Invalid(reason)) => (2, reason),
    };
    unsafe { host::set_status_reason(reason.as_ptr(), reason.len()) };
    status
}

/// Hands a batch (OTLP protobuf, `TracesData`) on. A processor that sets nothing passes its input on as it was; one that sets an empty
/// batch drops it. The host has copied the bytes when this returns.
pub fn set_traces(batch: &[u8]) {
    unsafe { host::set_result_traces(batch.as_ptr(), batch.len()) }
}

/// As `set_traces`, for `MetricsData`.
pub fn set_metrics(batch: &[u8]) {
    unsafe { host::set_result_metrics(batch.as_ptr(), batch.len()) }
}

/// As `set_traces`, for `LogsData`.
pub fn set_logs(batch: &[u8]) {
    unsafe { host::set_result_logs(batch.as_ptr(), batch.len()) }
}

thread_local! {
    /// What the host was given to write into, and has not handed to `consume_X` yet.
    static PINNED: RefCell<HashMap<usize, Vec<u8>>> = RefCell::default();
}

/// How `consume_X` comes to its batch, which is the plugin's from then on. Panics for what `alloc` did not hand out: a trap, which the
/// host reports.
pub fn take(pointer: *mut u8, size: usize) -> Vec<u8> {
    if size == 0 {
        return Vec::new();
    }
    let buffer = PINNED.with_borrow_mut(|pinned| pinned.remove(&(pointer as usize)));
    let mut buffer = buffer.expect("consume was called with memory that alloc has not handed out");
    assert!(
        size <= buffer.len(),
        "consume was called with more memory than alloc has handed out"
    );
    buffer.truncate(size);
    buffer
}

#[unsafe(no_mangle)]
extern "C" fn alloc(size: usize) -> *mut u8 {
    let mut buffer = Vec::new();
    // 0 says that there is no memory: the host reports that, and the plugin goes on.
    if buffer.try_reserve_exact(size.max(1)).is_err() {
        return std::ptr::null_mut();
    }
    buffer.resize(size.max(1), 0);
    let pointer = buffer.as_mut_ptr();
    PINNED.with_borrow_mut(|pinned| pinned.insert(pointer as usize, buffer));
    pointer
}

/// Its presence says which ABI the plugin was built for.
#[unsafe(no_mangle)]
extern "C" fn abi_version_v1() {}

/// What runs before everything else, once. Without it the linker would have it run before every single call.
#[unsafe(no_mangle)]
extern "C" fn _initialize() {
    unsafe extern "C" {
        fn __wasm_call_ctors();
    }
    unsafe { __wasm_call_ctors() }
}

mod host {
    #[link(wasm_import_module = "opentelemetry.io/wasm")]
    unsafe extern "C" {
        pub fn get_plugin_config(buffer: *mut u8, limit: usize) -> usize;
        pub fn set_status_reason(text: *const u8, size: usize);
        pub fn get_shutdown_requested() -> u32;
        pub fn log(level: u32, text: *const u8, size: usize);
        pub fn set_result_traces(batch: *const u8, size: usize);
        pub fn set_result_metrics(batch: *const u8, size: usize);
        pub fn set_result_logs(batch: *const u8, size: usize);
    }
}
