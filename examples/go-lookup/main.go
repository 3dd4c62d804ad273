// A processor that looks an attribute's value up in a table, and sets another attribute to what stands there: the team of a service,
// the region of a host.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unsafe"

	"example.com/go-lookup/otelwasm"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// What stands under plugin_config.
type settings struct {
	// The resource's attribute that is looked up.
	From string `json:"from"`
	// The resource's attribute that is set.
	To string `json:"to"`
	// Values of the one, and what the other becomes.
	Table map[string]string `json:"table"`
	// For what the table does not have; without it, nothing is set.
	Default *string `json:"default"`
}

var config settings

func (s *settings) read(text []byte) error {
	// What is misspelt would otherwise be missing without a word.
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(s); err != nil {
		return fmt.Errorf("plugin_config: %w", err)
	}
	var problems []error
	if s.From == "" {
		problems = append(problems, errors.New("plugin_config: from is required: the attribute that is looked up"))
	}
	if s.To == "" {
		problems = append(problems, errors.New("plugin_config: to is required: the attribute that is set"))
	}
	if len(s.Table) == 0 {
		problems = append(problems, errors.New("plugin_config: table is required: values, and what they become"))
	}
	return errors.Join(problems...)
}

// apply answers whether it changed anything.
func (s *settings) apply(resource pcommon.Resource) bool {
	attributes := resource.Attributes()
	from, found := attributes.Get(s.From)
	if !found {
		return false
	}
	value, found := s.Table[from.AsString()]
	if !found {
		if s.Default == nil {
			return false
		}
		value = *s.Default
	}
	attributes.PutStr(s.To, value)
	return true
}

//go:wasmexport get_supported_telemetry
func supportedTelemetry() otelwasm.Signals { return otelwasm.Traces | otelwasm.Metrics | otelwasm.Logs }

//go:wasmexport start
func start() otelwasm.Status { return otelwasm.StatusOf(config.read(otelwasm.Config())) }

//go:wasmexport shutdown
func shutdown() otelwasm.Status { return otelwasm.OK }

//go:wasmexport consume_traces
func consumeTraces(pointer unsafe.Pointer, size uint32) otelwasm.Status {
	change := func(traces ptrace.Traces) (changed bool) {
		for _, each := range traces.ResourceSpans().All() {
			changed = config.apply(each.Resource()) || changed
		}
		return changed
	}
	read, write := (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces, (&ptrace.ProtoMarshaler{}).MarshalTraces
	return otelwasm.Process(pointer, size, read, change, write, otelwasm.SetTraces)
}

//go:wasmexport consume_metrics
func consumeMetrics(pointer unsafe.Pointer, size uint32) otelwasm.Status {
	change := func(metrics pmetric.Metrics) (changed bool) {
		for _, each := range metrics.ResourceMetrics().All() {
			changed = config.apply(each.Resource()) || changed
		}
		return changed
	}
	read, write := (&pmetric.ProtoUnmarshaler{}).UnmarshalMetrics, (&pmetric.ProtoMarshaler{}).MarshalMetrics
	return otelwasm.Process(pointer, size, read, change, write, otelwasm.SetMetrics)
}

//go:wasmexport consume_logs
func consumeLogs(pointer unsafe.Pointer, size uint32) otelwasm.Status {
	change := func(logs plog.Logs) (changed bool) {
		for _, each := range logs.ResourceLogs().All() {
			changed = config.apply(each.Resource()) || changed
		}
		return changed
	}
	read, write := (&plog.ProtoUnmarshaler{}).UnmarshalLogs, (&plog.ProtoMarshaler{}).MarshalLogs
	return otelwasm.Process(pointer, size, read, change, write, otelwasm.SetLogs)
}

// Go wants it; a plugin is a library (`-buildmode=c-shared`), so that it is never called.
func main() {}
