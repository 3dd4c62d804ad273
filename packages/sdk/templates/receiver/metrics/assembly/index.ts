import { AggregationTemporality, config, emit, Metrics, MetricsReceiver, nowUnixNano, shutdownRequested, sleep } from "@otelwasm/sdk";

class Settings {
  greeting: string = "hello";
  /** Milliseconds between two batches. */
  interval: f64 = 1000;
}

export class {{className}} extends MetricsReceiver {
  settings: Settings = config<Settings>();
  count: i64 = 0;

  /** Called once; returns when the collector shuts down. */
  receiveMetrics(): void {
    const started = nowUnixNano();
    while (!shutdownRequested()) {
      const metrics = new Metrics();
      const metric = metrics.resourceMetrics.appendEmpty().scopeMetrics.appendEmpty().metrics.appendEmpty();
      metric.name = this.settings.greeting;
      const sum = metric.setEmptySum();
      sum.aggregationTemporality = AggregationTemporality.Cumulative;
      sum.isMonotonic = true;
      const point = sum.dataPoints.appendEmpty();
      point.startTimestamp = started;
      point.timestamp = nowUnixNano();
      point.intValue = ++this.count;
      // Waits while the pipeline cannot take it; metrics and all that is in it are gone after this.
      emit(metrics);
      sleep(this.settings.interval);
    }
  }
}
