"""Sends three spans, a metric and two log records with OpenTelemetry's Python SDK: `send.py grpc|http RUN`.

Where to, how and as whom is the SDK's own environment (OTEL_EXPORTER_OTLP_*). Prints a line for each signal, `logs delivered` or `logs refused`; ends
with 1 if any was refused.
"""

import logging
import sys

from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

protocol, run = sys.argv[1:]
if protocol == "grpc":
    from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
    from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
else:
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

resource = Resource.create({"service.name": "python", "run": run})

spans = InMemorySpanExporter()
tracers = TracerProvider(resource=resource)
tracers.add_span_processor(SimpleSpanProcessor(spans))
tracer = tracers.get_tracer("send", "1")
with tracer.start_as_current_span("outer"):
    for name in ("first", "second"):
        with tracer.start_as_current_span(name, attributes={"run": run, "ok": True}):
            pass

metrics = InMemoryMetricReader()
meters = MeterProvider(resource=resource, metric_readers=[metrics])
counter = meters.get_meter("send").create_counter("sent", unit="{thing}")
counter.add(3, {"run": run})

records = InMemoryLogRecordExporter()
loggers = LoggerProvider(resource=resource)
loggers.add_log_record_processor(SimpleLogRecordProcessor(records))
log = logging.getLogger("send")
log.addHandler(LoggingHandler(logger_provider=loggers))
log.warning("first %s", run)
log.error("second %s", run, extra={"run": run})

refused = False
for signal, exporter, data in (
    ("traces", OTLPSpanExporter(), spans.get_finished_spans()),
    ("metrics", OTLPMetricExporter(), metrics.get_metrics_data()),
    ("logs", OTLPLogExporter(), records.get_finished_logs()),
):
    delivered = exporter.export(data).name == "SUCCESS"
    refused = refused or not delivered
    print(signal, "delivered" if delivered else "refused", flush=True)
    exporter.shutdown()
sys.exit(1 if refused else 0)
