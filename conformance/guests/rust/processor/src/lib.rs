//! A processor for the conformance suite: it changes every signal where one can see it, and does what its configuration asks for besides.

// The example's: what authors copy is what is tested here.
#[path = "../../../../../examples/rust-drop/src/abi.rs"]
mod abi;
mod visit;

use std::sync::OnceLock;

use abi::{Level, Refusal, Status, failed, invalid};
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::logs::v1::LogsData;
use opentelemetry_proto::tonic::metrics::v1::{Metric, MetricsData, metric::Data};
use opentelemetry_proto::tonic::trace::v1::TracesData;
use prost::Message;
use serde::Deserialize;

#[derive(Deserialize, Default)]
#[serde(default)]
struct Settings {
    /// Put into every item's attributes as `guest.mark`.
    mark: String,
    /// The reason with which start, shutdown or every batch is refused.
    fail_start: Option<String>,
    fail_shutdown: Option<String>,
    fail_consume: Option<String>,
    /// Says so on all levels, on stdout and on stderr.
    chatty: bool,
    /// A directory that may be written: uses it, and says what came of it.
    visit: Option<String>,
    /// Only there to be long.
    padding: String,
}

static SETTINGS: OnceLock<Settings> = OnceLock::new();

fn settings() -> &'static Settings {
    SETTINGS.get().expect("the host calls start first")
}

#[unsafe(no_mangle)]
extern "C" fn get_supported_telemetry() -> u32 {
    abi::TRACES | abi::METRICS | abi::LOGS
}

#[unsafe(no_mangle)]
extern "C" fn start() -> Status {
    abi::status(configure())
}

fn configure() -> Result<(), Refusal> {
    let text = abi::config();
    let read: Settings = serde_json::from_slice(&text).map_err(invalid)?;
    let settings = SETTINGS.get_or_init(|| read);
    abi::log(
        Level::Info,
        &format!(
            "configured by {} bytes, {} of them padding",
            text.len(),
            settings.padding.len()
        ),
    );
    if settings.chatty {
        for level in [
            Level::Trace,
            Level::Debug,
            Level::Info,
            Level::Warn,
            Level::Error,
        ] {
            abi::log(level, &format!("level {}", level as u32));
        }
        println!("printed");
        eprintln!("printed to stderr");
    }
    if let Some(directory) = &settings.visit {
        visit::visit(directory).map_err(failed)?;
    }
    refuse(settings.fail_start.as_ref())
}

#[unsafe(no_mangle)]
extern "C" fn shutdown() -> Status {
    abi::log(Level::Info, "shut down");
    abi::status(refuse(settings().fail_shutdown.as_ref()))
}

fn refuse(reason: Option<&String>) -> Result<(), Refusal> {
    reason.map_or(Ok(()), |reason| Err(failed(reason)))
}

/// As a Map does it: what was there under the key is replaced.
fn mark(attributes: &mut Vec<KeyValue>) {
    let value = Some(AnyValue {
        value: Some(Value::StringValue(settings().mark.clone())),
    });
    match attributes.iter_mut().find(|each| each.key == "guest.mark") {
        Some(found) => found.value = value,
        None => attributes.push(KeyValue {
            key: "guest.mark".into(),
            value,
            ..Default::default()
        }),
    }
}

fn change<T: Message + Default>(
    pointer: *mut u8,
    size: usize,
    marked: impl FnOnce(&mut T),
    set: impl FnOnce(&[u8]),
) -> Status {
    let bytes = abi::take(pointer, size);
    abi::status(refuse(settings().fail_consume.as_ref()).and_then(|()| {
        let mut batch = T::decode(&bytes[..]).map_err(invalid)?;
        marked(&mut batch);
        set(&batch.encode_to_vec());
        Ok(())
    }))
}

#[unsafe(no_mangle)]
extern "C" fn consume_traces(pointer: *mut u8, size: usize) -> Status {
    let marked = |traces: &mut TracesData| {
        let scopes = traces
            .resource_spans
            .iter_mut()
            .flat_map(|resource| &mut resource.scope_spans);
        scopes
            .flat_map(|scope| &mut scope.spans)
            .for_each(|span| mark(&mut span.attributes));
    };
    change(pointer, size, marked, abi::set_traces)
}

#[unsafe(no_mangle)]
extern "C" fn consume_metrics(pointer: *mut u8, size: usize) -> Status {
    let marked = |metrics: &mut MetricsData| {
        let scopes = metrics
            .resource_metrics
            .iter_mut()
            .flat_map(|resource| &mut resource.scope_metrics);
        scopes
            .flat_map(|scope| &mut scope.metrics)
            .for_each(mark_points);
    };
    change(pointer, size, marked, abi::set_metrics)
}

fn mark_points(metric: &mut Metric) {
    match &mut metric.data {
        Some(Data::Gauge(gauge)) => gauge
            .data_points
            .iter_mut()
            .for_each(|point| mark(&mut point.attributes)),
        Some(Data::Sum(sum)) => sum
            .data_points
            .iter_mut()
            .for_each(|point| mark(&mut point.attributes)),
        Some(Data::Histogram(histogram)) => {
            histogram
                .data_points
                .iter_mut()
                .for_each(|point| mark(&mut point.attributes));
        }
        Some(Data::ExponentialHistogram(histogram)) => {
            histogram
                .data_points
                .iter_mut()
                .for_each(|point| mark(&mut point.attributes));
        }
        Some(Data::Summary(summary)) => summary
            .data_points
            .iter_mut()
            .for_each(|point| mark(&mut point.attributes)),
        None => {}
    }
}

#[unsafe(no_mangle)]
extern "C" fn consume_logs(pointer: *mut u8, size: usize) -> Status {
    let marked = |logs: &mut LogsData| {
        let scopes = logs
            .resource_logs
            .iter_mut()
            .flat_map(|resource| &mut resource.scope_logs);
        scopes
            .flat_map(|scope| &mut scope.log_records)
            .for_each(|record| mark(&mut record.attributes));
    };
    change(pointer, size, marked, abi::set_logs)
}
