// A receiver for OTLP over HTTP (protobuf), by net/http on a socket that the host grants. Each signal has a loop, and so a port, of its own.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"example.com/go-lookup/otelwasm"
	"example.com/guests/sockets"
)

// How often the loop asks whether it is to end, and how long those whom it serves then have.
const (
	askEvery = 100 * time.Millisecond
	drain    = time.Second
)

const maxBody = 16 << 20

var config struct {
	// Signal to address.
	Listen map[string]string `json:"listen"`
}

//go:wasmexport get_supported_telemetry
func supportedTelemetry() otelwasm.Signals { return otelwasm.Traces | otelwasm.Metrics | otelwasm.Logs }

//go:wasmexport start
func start() otelwasm.Status { return otelwasm.StatusOf(json.Unmarshal(otelwasm.Config(), &config)) }

//go:wasmexport shutdown
func shutdown() otelwasm.Status { return otelwasm.OK }

//go:wasmexport start_traces_receiver
func receiveTraces() { run("traces", otelwasm.SetTraces) }

//go:wasmexport start_metrics_receiver
func receiveMetrics() { run("metrics", otelwasm.SetMetrics) }

//go:wasmexport start_logs_receiver
func receiveLogs() { run("logs", otelwasm.SetLogs) }

func run(signal string, emit func([]byte)) {
	if err := serve(signal, emit); err != nil {
		otelwasm.StatusOf(fmt.Errorf("%s: %w", signal, err))
	}
}

func serve(signal string, emit func([]byte)) error {
	listener, address, err := sockets.Listen(config.Listen[signal])
	if err != nil {
		return err
	}
	otelwasm.Log(otelwasm.Info, fmt.Sprintf("listening for %s on %s", signal, address))
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/"+signal, func(response http.ResponseWriter, request *http.Request) { take(response, request, emit) })
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	stopped := make(chan error, 1)
	go func() {
		for !otelwasm.ShutdownRequested() {
			time.Sleep(askEvery)
		}
		within, cancel := context.WithTimeout(context.Background(), drain)
		defer cancel()
		if server.Shutdown(within) != nil {
			// Somebody is slow, or has a connection and says nothing.
			stopped <- server.Close()
			return
		}
		stopped <- nil
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-stopped
}

func take(response http.ResponseWriter, request *http.Request, emit func([]byte)) {
	if request.Header.Get("Content-Type") != "application/x-protobuf" {
		http.Error(response, "only application/x-protobuf is taken", http.StatusUnsupportedMediaType)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(response, request.Body, maxBody))
	if err != nil {
		http.Error(response, err.Error(), http.StatusBadRequest)
		return
	}
	if !otelwasm.ShutdownRequested() {
		// Returns when the pipeline has answered.
		emit(body)
	}
	// The host refuses what comes after the request to stop. Whether this did, nobody says: the client may send it again.
	if otelwasm.ShutdownRequested() {
		response.Header().Set("Retry-After", "1")
		http.Error(response, "shutting down", http.StatusServiceUnavailable)
		return
	}
	response.Header().Set("Content-Type", "application/x-protobuf")
}

func main() {}
