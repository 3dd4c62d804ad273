//! A processor that drops spans that nobody looks at: those with a name from a list that were short and did not fail.

mod abi;

use std::collections::HashSet;
use std::sync::OnceLock;

use abi::{Refusal, Status, invalid};
use opentelemetry_proto::tonic::trace::v1::{Span, TracesData, status::StatusCode};
use prost::Message;
use serde::Deserialize;

/// What stands under `plugin_config`. What is misspelt would otherwise be missing without a word.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// Names of spans that may be dropped.
    names: HashSet<String>,
    /// Milliseconds; spans that took as long, or longer, stay. Without it, all of these names go.
    shorter_than_ms: Option<u64>,
}

static SETTINGS: OnceLock<Settings> = OnceLock::new();

impl Settings {
    fn read(text: &[u8]) -> Result<Settings, Refusal> {
        let settings: Settings = serde_json::from_slice(text)
            .map_err(|error| invalid(format!("plugin_config: {error}")))?;
        if settings.names.is_empty() {
            return Err(invalid(
                "plugin_config: names is empty: no span would ever be dropped",
            ));
        }
        Ok(settings)
    }

    fn is_noise(&self, span: &Span) -> bool {
        let failed = span
            .status
            .as_ref()
            .is_some_and(|status| status.code() == StatusCode::Error);
        let nanoseconds = span
            .end_time_unix_nano
            .saturating_sub(span.start_time_unix_nano);
        let short = self
            .shorter_than_ms
            .is_none_or(|limit| nanoseconds < limit.saturating_mul(1_000_000));
        !failed && short && self.names.contains(&span.name)
    }

    /// Scopes and resources without spans go too. Returns whether anything was dropped.
    fn drop_noise(&self, traces: &mut TracesData) -> bool {
        let mut dropped = false;
        traces.resource_spans.retain_mut(|resource| {
            resource.scope_spans.retain_mut(|scope| {
                let before = scope.spans.len();
                scope.spans.retain(|span| !self.is_noise(span));
                dropped |= scope.spans.len() < before;
                !scope.spans.is_empty()
            });
            !resource.scope_spans.is_empty()
        });
        dropped
    }
}

#[unsafe(no_mangle)]
extern "C" fn get_supported_telemetry() -> u32 {
    abi::TRACES
}

#[unsafe(no_mangle)]
extern "C" fn start() -> Status {
    abi::status(Settings::read(&abi::config()).map(|settings| {
        SETTINGS.get_or_init(|| settings);
    }))
}

#[unsafe(no_mangle)]
extern "C" fn shutdown() -> Status {
    abi::OK
}

#[unsafe(no_mangle)]
extern "C" fn consume_traces(pointer: *mut u8, size: usize) -> Status {
    abi::status(filter(&abi::take(pointer, size)))
}

fn filter(batch: &[u8]) -> Result<(), Refusal> {
    let settings = SETTINGS.get().expect("the host calls start first");
    let mut traces = TracesData::decode(batch).map_err(invalid)?;
    if settings.drop_noise(&mut traces) {
        abi::set_traces(&traces.encode_to_vec());
    }
    Ok(())
}
