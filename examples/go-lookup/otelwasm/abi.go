// Package otelwasm is the plugin's side of ABI v1: what a plugin in Go exports and imports besides its own logic.
// It is small and has no dependencies: copy it into a plugin of your own.
package otelwasm

import (
	"errors"
	"unsafe"
)

// Signals are a bit mask: what get_supported_telemetry answers.
type Signals = uint32

const (
	Metrics Signals = 1 << iota
	Logs
	Traces
)

// Status is the answer of start, shutdown and consume_X.
type Status = int32

const (
	OK Status = iota
	// Failed can be tried again: the sender is told so.
	Failed
	// Invalid will never be taken: the sender is told not to try again.
	Invalid
)

// Level is the severity of a line in the collector's log.
type Level = uint32

const (
	Trace Level = iota
	Debug
	Info
	Warn
	Error
)

// Log writes a line to the collector's log, under the name of the component.
func Log(level Level, text string) {
	hostLog(level, unsafe.Pointer(unsafe.StringData(text)), uint32(len(text)))
}

// ShutdownRequested is what a receiver's loop has to ask about once a second: once true, it returns.
func ShutdownRequested() bool { return hostShutdownRequested() != 0 }

// Config is the component's plugin_config: JSON, `{}` where there is none.
func Config() []byte {
	// The host writes nothing into a buffer that is too small, and says how large it has to be.
	buffer := make([]byte, 1024)
	for {
		limit := uint32(len(buffer))
		size := hostPluginConfig(unsafe.Pointer(unsafe.SliceData(buffer)), limit)
		if size <= limit {
			return buffer[:size]
		}
		buffer = make([]byte, size)
	}
}

// Rejected is an error about the batch itself: another try would end the same way.
type Rejected struct{ error }

// StatusOf turns an error into a status, and hands its text to the host as the reason.
func StatusOf(err error) Status {
	if err == nil {
		return OK
	}
	reason := err.Error()
	hostStatusReason(unsafe.Pointer(unsafe.StringData(reason)), uint32(len(reason)))
	var rejected Rejected
	if errors.As(err, &rejected) {
		return Invalid
	}
	return Failed
}

// SetTraces hands a batch (OTLP protobuf, TracesData) on. A processor that sets nothing passes its input on as it was; one that sets an
// empty batch drops it. The host has copied the bytes when this returns.
func SetTraces(batch []byte) {
	hostResultTraces(unsafe.Pointer(unsafe.SliceData(batch)), uint32(len(batch)))
}

// SetMetrics is SetTraces for MetricsData.
func SetMetrics(batch []byte) {
	hostResultMetrics(unsafe.Pointer(unsafe.SliceData(batch)), uint32(len(batch)))
}

// SetLogs is SetTraces for LogsData.
func SetLogs(batch []byte) {
	hostResultLogs(unsafe.Pointer(unsafe.SliceData(batch)), uint32(len(batch)))
}

// Process is one consume_X of a processor: it reads the batch, changes it, and hands it on if change says that something is different.
func Process[T any](
	pointer unsafe.Pointer, size uint32,
	read func([]byte) (T, error), change func(T) bool, write func(T) ([]byte, error), set func([]byte),
) Status {
	batch, err := read(Take(pointer, size))
	if err != nil {
		return StatusOf(Rejected{err})
	}
	if !change(batch) {
		return OK
	}
	result, err := write(batch)
	if err == nil {
		set(result)
	}
	return StatusOf(err)
}

// What the host was given to write into. Go's collector must neither free nor move it before Take; it does not move heap objects,
// so that a reference is enough.
var pinned = map[unsafe.Pointer][]byte{}

// Take is how consume_X comes to its batch, which is the plugin's from then on. It panics for what alloc did not hand out: a trap, which
// the host reports.
func Take(pointer unsafe.Pointer, size uint32) []byte {
	if size == 0 {
		return nil
	}
	buffer, known := pinned[pointer]
	if !known || uint32(len(buffer)) < size {
		panic("consume was called with memory that alloc has not handed out")
	}
	delete(pinned, pointer)
	return buffer[:size]
}

//go:wasmexport alloc
func alloc(size uint32) unsafe.Pointer {
	buffer := make([]byte, max(size, 1))
	pointer := unsafe.Pointer(unsafe.SliceData(buffer))
	pinned[pointer] = buffer
	return pointer
}

// Its presence says which ABI the plugin was built for.
//
//go:wasmexport abi_version_v1
func abiVersion() {}

//go:wasmimport opentelemetry.io/wasm get_plugin_config
func hostPluginConfig(buffer unsafe.Pointer, limit uint32) uint32

//go:wasmimport opentelemetry.io/wasm set_status_reason
func hostStatusReason(text unsafe.Pointer, size uint32)

//go:wasmimport opentelemetry.io/wasm get_shutdown_requested
func hostShutdownRequested() uint32

//go:wasmimport opentelemetry.io/wasm log
func hostLog(level uint32, text unsafe.Pointer, size uint32)

//go:wasmimport opentelemetry.io/wasm set_result_traces
func hostResultTraces(batch unsafe.Pointer, size uint32)

//go:wasmimport opentelemetry.io/wasm set_result_metrics
func hostResultMetrics(batch unsafe.Pointer, size uint32)

//go:wasmimport opentelemetry.io/wasm set_result_logs
func hostResultLogs(batch unsafe.Pointer, size uint32)
