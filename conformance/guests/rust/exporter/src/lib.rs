//! An exporter to OTLP over HTTP (protobuf), by blocking TCP on a socket that the host grants.

#[path = "../../../../../examples/rust-drop/src/abi.rs"]
mod abi;
mod http;

use std::cell::RefCell;

use abi::{Refusal, Status, failed, invalid};
use http::Connection;
use serde::Deserialize;

#[derive(Deserialize)]
struct Settings {
    /// Where it dials: `127.0.0.1:4318`.
    endpoint: String,
}

#[derive(Default)]
struct Exporter {
    endpoint: String,
    /// Kept from one batch to the next.
    connection: Option<Connection>,
}

thread_local! {
    static EXPORTER: RefCell<Exporter> = RefCell::default();
}

#[unsafe(no_mangle)]
extern "C" fn get_supported_telemetry() -> u32 {
    abi::TRACES | abi::METRICS | abi::LOGS
}

#[unsafe(no_mangle)]
extern "C" fn start() -> Status {
    let settings = serde_json::from_slice::<Settings>(&abi::config()).map_err(invalid);
    abi::status(settings.map(|settings| {
        EXPORTER.with_borrow_mut(|exporter| exporter.endpoint = settings.endpoint);
    }))
}

#[unsafe(no_mangle)]
extern "C" fn shutdown() -> Status {
    EXPORTER.with_borrow_mut(|exporter| exporter.connection = None);
    abi::OK
}

#[unsafe(no_mangle)]
extern "C" fn consume_traces(pointer: *mut u8, size: usize) -> Status {
    export("/v1/traces", &abi::take(pointer, size))
}

#[unsafe(no_mangle)]
extern "C" fn consume_metrics(pointer: *mut u8, size: usize) -> Status {
    export("/v1/metrics", &abi::take(pointer, size))
}

#[unsafe(no_mangle)]
extern "C" fn consume_logs(pointer: *mut u8, size: usize) -> Status {
    export("/v1/logs", &abi::take(pointer, size))
}

fn export(path: &str, batch: &[u8]) -> Status {
    let code = EXPORTER.with_borrow_mut(|exporter| exporter.post(path, batch));
    abi::status(code.and_then(|code| match code {
        200..=299 => Ok(()),
        // What the specification of OTLP lets a client try again.
        429 | 502..=504 => Err(failed(format!("the destination answered {code}"))),
        _ => Err(invalid(format!("the destination answered {code}"))),
    }))
}

impl Exporter {
    fn post(&mut self, path: &str, batch: &[u8]) -> Result<u16, Refusal> {
        // A connection that was idle may have been closed at the other end: that is no failure yet.
        if let Some(mut connection) = self.connection.take()
            && let Ok(response) = connection.post(&self.endpoint, path, batch)
        {
            return Ok(self.keep(connection, &response));
        }
        let cannot = |error| failed(format!("{}: {error}", self.endpoint));
        let mut connection = Connection::dial(&self.endpoint).map_err(cannot)?;
        let response = connection
            .post(&self.endpoint, path, batch)
            .map_err(cannot)?;
        Ok(self.keep(connection, &response))
    }

    fn keep(&mut self, connection: Connection, response: &http::Response) -> u16 {
        if response.reusable {
            self.connection = Some(connection);
        }
        response.code
    }
}
