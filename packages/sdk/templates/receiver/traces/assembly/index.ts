import { Bytes, config, emit, nowUnixNano, shutdownRequested, sleep, SpanKind, Traces, TracesReceiver } from "@otelwasm/sdk";

class Settings {
  greeting: string = "hello";
  /** Milliseconds between two batches. */
  interval: f64 = 1000;
}

export class {{className}} extends TracesReceiver {
  settings: Settings = config<Settings>();
  count: i64 = 0;

  /** Called once; returns when the collector shuts down. */
  receiveTraces(): void {
    while (!shutdownRequested()) {
      const traces = new Traces();
      const span = traces.resourceSpans.appendEmpty().scopeSpans.appendEmpty().spans.appendEmpty();
      span.traceId = randomBytes(16);
      span.spanId = randomBytes(8);
      span.name = this.settings.greeting;
      span.kind = SpanKind.Internal;
      span.startTimestamp = nowUnixNano();
      span.endTimestamp = nowUnixNano();
      span.attributes.putInt("count", ++this.count);
      // Waits while the pipeline cannot take it; traces and all that is in it are gone after this.
      emit(traces);
      sleep(this.settings.interval);
    }
  }
}

function randomBytes(size: i32): Bytes {
  const bytes = new Uint8Array(size);
  for (let i = 0; i < size; ++i) bytes[i] = <u8>(Math.random() * 256);
  return Bytes.from(bytes);
}
