// A processor for the conformance suite: it changes every signal through the Collector's pdata where one can see it, and does what
// its configuration asks for besides.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"unsafe"

	"example.com/go-lookup/otelwasm"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

var config struct {
	// Put into every item's attributes as `guest.mark`.
	Mark string `json:"mark"`
	// The reason with which start, shutdown or every batch is refused.
	FailStart    string `json:"fail_start"`
	FailShutdown string `json:"fail_shutdown"`
	FailConsume  string `json:"fail_consume"`
	// Says so on all levels, on stdout and on stderr.
	Chatty bool `json:"chatty"`
	// A directory that may be written: uses it, and says what came of it.
	Visit string `json:"visit"`
	// Only there to be long.
	Padding string `json:"padding"`
}

//go:wasmexport get_supported_telemetry
func supportedTelemetry() otelwasm.Signals { return otelwasm.Traces | otelwasm.Metrics | otelwasm.Logs }

//go:wasmexport start
func start() otelwasm.Status {
	text := otelwasm.Config()
	if err := json.Unmarshal(text, &config); err != nil {
		return otelwasm.StatusOf(err)
	}
	otelwasm.Log(otelwasm.Info, fmt.Sprintf("configured by %d bytes, %d of them padding", len(text), len(config.Padding)))
	if config.Chatty {
		for level := otelwasm.Trace; level <= otelwasm.Error; level++ {
			otelwasm.Log(level, fmt.Sprintf("level %d", level))
		}
		fmt.Println("printed")
		fmt.Fprintln(os.Stderr, "printed to stderr")
	}
	if config.Visit != "" {
		if err := visit(config.Visit); err != nil {
			return otelwasm.StatusOf(err)
		}
	}
	return failure(config.FailStart)
}

//go:wasmexport shutdown
func shutdown() otelwasm.Status {
	otelwasm.Log(otelwasm.Info, "shut down")
	return failure(config.FailShutdown)
}

func failure(reason string) otelwasm.Status {
	if reason == "" {
		return otelwasm.OK
	}
	return otelwasm.StatusOf(errors.New(reason))
}

func refuse(pointer unsafe.Pointer, size uint32) otelwasm.Status {
	otelwasm.Take(pointer, size)
	return failure(config.FailConsume)
}

func mark(attributes pcommon.Map) { attributes.PutStr("guest.mark", config.Mark) }

//go:wasmexport consume_traces
func consumeTraces(pointer unsafe.Pointer, size uint32) otelwasm.Status {
	if config.FailConsume != "" {
		return refuse(pointer, size)
	}
	change := func(traces ptrace.Traces) bool {
		for _, resource := range traces.ResourceSpans().All() {
			for _, scope := range resource.ScopeSpans().All() {
				for _, span := range scope.Spans().All() {
					mark(span.Attributes())
				}
			}
		}
		return true
	}
	read, write := (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces, (&ptrace.ProtoMarshaler{}).MarshalTraces
	return otelwasm.Process(pointer, size, read, change, write, otelwasm.SetTraces)
}

//go:wasmexport consume_metrics
func consumeMetrics(pointer unsafe.Pointer, size uint32) otelwasm.Status {
	if config.FailConsume != "" {
		return refuse(pointer, size)
	}
	change := func(metrics pmetric.Metrics) bool {
		for _, resource := range metrics.ResourceMetrics().All() {
			for _, scope := range resource.ScopeMetrics().All() {
				for _, metric := range scope.Metrics().All() {
					markPoints(metric)
				}
			}
		}
		return true
	}
	read, write := (&pmetric.ProtoUnmarshaler{}).UnmarshalMetrics, (&pmetric.ProtoMarshaler{}).MarshalMetrics
	return otelwasm.Process(pointer, size, read, change, write, otelwasm.SetMetrics)
}

func markPoints(metric pmetric.Metric) {
	switch metric.Type() {
	case pmetric.MetricTypeGauge:
		for _, point := range metric.Gauge().DataPoints().All() {
			mark(point.Attributes())
		}
	case pmetric.MetricTypeSum:
		for _, point := range metric.Sum().DataPoints().All() {
			mark(point.Attributes())
		}
	case pmetric.MetricTypeHistogram:
		for _, point := range metric.Histogram().DataPoints().All() {
			mark(point.Attributes())
		}
	case pmetric.MetricTypeExponentialHistogram:
		for _, point := range metric.ExponentialHistogram().DataPoints().All() {
			mark(point.Attributes())
		}
	case pmetric.MetricTypeSummary:
		for _, point := range metric.Summary().DataPoints().All() {
			mark(point.Attributes())
		}
	}
}

//go:wasmexport consume_logs
func consumeLogs(pointer unsafe.Pointer, size uint32) otelwasm.Status {
	if config.FailConsume != "" {
		return refuse(pointer, size)
	}
	change := func(logs plog.Logs) bool {
		for _, resource := range logs.ResourceLogs().All() {
			for _, scope := range resource.ScopeLogs().All() {
				for _, record := range scope.LogRecords().All() {
					mark(record.Attributes())
				}
			}
		}
		return true
	}
	read, write := (&plog.ProtoUnmarshaler{}).UnmarshalLogs, (&plog.ProtoMarshaler{}).MarshalLogs
	return otelwasm.Process(pointer, size, read, change, write, otelwasm.SetLogs)
}

func main() {}
