// What collector-cases.jsonl was made with: runs the Collector's own attributes processor (v0.159.0). Reads lines with
// config, signal and payload (base64), and answers each with the payload that comes out, or with the error.
// Needs a module that requires the imports below.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/open-telemetry/opentelemetry-collector-contrib/processor/attributesprocessor"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	tracenoop "go.opentelemetry.io/otel/trace/noop"
	"go.uber.org/zap"
)

type in struct {
	Config  map[string]any `json:"config"`
	Signal  string         `json:"signal"`
	Payload []byte         `json:"payload"`
}
type out struct {
	Error   string `json:"error,omitempty"`
	Payload []byte `json:"payload"`
}

func fix(v any) any {
	switch x := v.(type) {
	case json.Number:
		if i, err := x.Int64(); err == nil {
			return int(i)
		}
		f, _ := x.Float64()
		return f
	case map[string]any:
		for k, e := range x {
			x[k] = fix(e)
		}
	case []any:
		for i, e := range x {
			x[i] = fix(e)
		}
	}
	return v
}

func run(i in) ([]byte, error) {
	f := attributesprocessor.NewFactory()
	cfg := f.CreateDefaultConfig()
	fix(i.Config)
	if err := confmap.NewFromStringMap(i.Config).Unmarshal(&cfg); err != nil {
		return nil, err
	}
	if err := cfg.(*attributesprocessor.Config).Validate(); err != nil {
		return nil, err
	}
	set := processor.Settings{ID: component.NewID(f.Type()), TelemetrySettings: component.TelemetrySettings{Logger: zap.NewNop(), MeterProvider: metricnoop.NewMeterProvider(), TracerProvider: tracenoop.NewTracerProvider()}}
	ctx := context.Background()
	var res []byte
	switch i.Signal {
	case "logs":
		c, _ := consumer.NewLogs(func(_ context.Context, d plog.Logs) (err error) {
			res, err = (&plog.ProtoMarshaler{}).MarshalLogs(d)
			return
		})
		p, err := f.CreateLogs(ctx, set, cfg, c)
		if err != nil {
			return nil, err
		}
		d, err := (&plog.ProtoUnmarshaler{}).UnmarshalLogs(i.Payload)
		if err != nil {
			return nil, fmt.Errorf("unmarshal: %w", err)
		}
		if err := p.ConsumeLogs(ctx, d); err != nil {
			return nil, err
		}
		return res, nil
	case "traces":
		c, _ := consumer.NewTraces(func(_ context.Context, d ptrace.Traces) (err error) {
			res, err = (&ptrace.ProtoMarshaler{}).MarshalTraces(d)
			return
		})
		p, err := f.CreateTraces(ctx, set, cfg, c)
		if err != nil {
			return nil, err
		}
		d, err := (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces(i.Payload)
		if err != nil {
			return nil, fmt.Errorf("unmarshal: %w", err)
		}
		if err := p.ConsumeTraces(ctx, d); err != nil {
			return nil, err
		}
		return res, nil
	default:
		c, _ := consumer.NewMetrics(func(_ context.Context, d pmetric.Metrics) (err error) {
			res, err = (&pmetric.ProtoMarshaler{}).MarshalMetrics(d)
			return
		})
		p, err := f.CreateMetrics(ctx, set, cfg, c)
		if err != nil {
			return nil, err
		}
		d, err := (&pmetric.ProtoUnmarshaler{}).UnmarshalMetrics(i.Payload)
		if err != nil {
			return nil, fmt.Errorf("unmarshal: %w", err)
		}
		if err := p.ConsumeMetrics(ctx, d); err != nil {
			return nil, err
		}
		return res, nil
	}
}

func main() {
	s := bufio.NewScanner(os.Stdin)
	s.Buffer(nil, 1<<26)
	w := bufio.NewWriter(os.Stdout)
	defer w.Flush()
	for s.Scan() {
		var i in
		d := json.NewDecoder(bytes.NewReader(s.Bytes()))
		d.UseNumber()
		if err := d.Decode(&i); err != nil {
			panic(err)
		}
		b, err := run(i)
		o := out{Payload: b}
		if err != nil {
			o.Error = err.Error()
		}
		e, _ := json.Marshal(o)
		w.Write(e)
		w.WriteByte('\n')
	}
}
