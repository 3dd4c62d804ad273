// Sends three spans, a metric and two log records with OpenTelemetry's Go SDK: `send grpc|http RUN`.
//
// Where to, how and as whom is the SDK's own environment (OTEL_EXPORTER_OTLP_*). Prints a line for each signal, `logs delivered` or `logs refused` with the
// reason; ends with 1 if any was refused.
package main

import (
	"context"
	"fmt"
	"os"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploggrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/log"
	metricapi "go.opentelemetry.io/otel/metric"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

// kept is an exporter that keeps what it gets.
type kept struct{ records []sdklog.Record }

func (k *kept) Export(_ context.Context, records []sdklog.Record) error {
	for _, record := range records {
		k.records = append(k.records, record.Clone())
	}
	return nil
}
func (*kept) ForceFlush(context.Context) error { return nil }
func (*kept) Shutdown(context.Context) error   { return nil }

func main() {
	ctx := context.Background()
	protocol, run := os.Args[1], os.Args[2]
	own := resource.NewSchemaless(attribute.String("service.name", "go"), attribute.String("run", run))
	refused := false
	say := func(signal string, err error) {
		if err != nil {
			refused = true
			fmt.Println(signal, "refused:", err)
			return
		}
		fmt.Println(signal, "delivered")
	}
	say("traces", traces(ctx, protocol, run, own))
	say("metrics", metrics(ctx, protocol, run, own))
	say("logs", logs(ctx, protocol, run, own))
	if refused {
		os.Exit(1)
	}
}

func traces(ctx context.Context, protocol, run string, own *resource.Resource) (err error) {
	var exporter trace.SpanExporter
	if protocol == "grpc" {
		exporter, err = otlptracegrpc.New(ctx)
	} else {
		exporter, err = otlptracehttp.New(ctx)
	}
	if err != nil {
		return err
	}
	spans := tracetest.NewInMemoryExporter()
	tracer := trace.NewTracerProvider(trace.WithSyncer(spans), trace.WithResource(own)).Tracer("send")
	inOuter, outer := tracer.Start(ctx, "outer")
	for _, name := range []string{"first", "second"} {
		_, span := tracer.Start(inOuter, name)
		span.SetAttributes(attribute.String("run", run), attribute.Bool("ok", true))
		span.End()
	}
	outer.End()
	if err := exporter.ExportSpans(ctx, spans.GetSpans().Snapshots()); err != nil {
		return err
	}
	return exporter.Shutdown(ctx)
}

func metrics(ctx context.Context, protocol, run string, own *resource.Resource) (err error) {
	var exporter metric.Exporter
	if protocol == "grpc" {
		exporter, err = otlpmetricgrpc.New(ctx)
	} else {
		exporter, err = otlpmetrichttp.New(ctx)
	}
	if err != nil {
		return err
	}
	reader := metric.NewManualReader()
	meter := metric.NewMeterProvider(metric.WithReader(reader), metric.WithResource(own)).Meter("send")
	counter, err := meter.Int64Counter("sent", metricapi.WithUnit("{thing}"))
	if err != nil {
		return err
	}
	counter.Add(ctx, 3, metricapi.WithAttributes(attribute.String("run", run)))
	var data metricdata.ResourceMetrics
	if err := reader.Collect(ctx, &data); err != nil {
		return err
	}
	if err := exporter.Export(ctx, &data); err != nil {
		return err
	}
	return exporter.Shutdown(ctx)
}

func logs(ctx context.Context, protocol, run string, own *resource.Resource) (err error) {
	var exporter sdklog.Exporter
	if protocol == "grpc" {
		exporter, err = otlploggrpc.New(ctx)
	} else {
		exporter, err = otlploghttp.New(ctx)
	}
	if err != nil {
		return err
	}
	all := &kept{}
	provider := sdklog.NewLoggerProvider(sdklog.WithProcessor(sdklog.NewSimpleProcessor(all)), sdklog.WithResource(own))
	for _, word := range []string{"first", "second"} {
		var record log.Record
		record.SetSeverity(log.SeverityWarn)
		record.SetBody(attribute.StringValue(word + " " + run))
		record.AddAttributes(attribute.String("run", run))
		provider.Logger("send").Emit(ctx, record)
	}
	if err := exporter.Export(ctx, all.records); err != nil {
		return err
	}
	return exporter.Shutdown(ctx)
}
