// A receiver that makes up the telemetry of a shop.
import { config, emit, nowUnixNano, Receiver, shutdownRequested, sleep, Status } from "@otelwasm/sdk";
import { Pace } from "./pace";
import { Totals } from "./points";
import { RecordBatch } from "./records";
import { SpanBatch } from "./spans";
import { Visit } from "./visit";

class Settings {
  /** The same seed gives the same telemetry, but for the time. */
  seed: u32 = 1;
  /** Batches in a second, of each signal; 0 for as many as the pipeline takes. */
  rate: f64 = 1;
  /** Spans or log records of a batch, at least: visits are not divided. For metrics: visits between two batches. */
  items: u32 = 100;
  /** How many batches of each signal there are; 0 for no end. */
  batches: u32 = 0;
  /** The part of all visits in which something fails. */
  @key("error_rate") errorRate: f64 = 0.05;
}

export class Generator extends Receiver {
  settings: Settings = config<Settings>();
  private visits: u64 = 0;

  start(): Status {
    const settings = this.settings;
    if (!(settings.rate >= 0)) return Status.error("plugin_config: rate must not be negative");
    if (settings.items == 0) return Status.error("plugin_config: items must be at least 1");
    if (!(settings.errorRate >= 0 && settings.errorRate <= 1))
      return Status.error("plugin_config: error_rate must be between 0 and 1");
    return Status.ok();
  }

  receiveTraces(): void {
    const pace = new Pace(this.settings.rate);
    for (let n: u32 = 0; this.wanted(n); ++n) {
      const batch = new SpanBatch();
      const now = nowUnixNano();
      while (<u32>batch.count < this.settings.items) batch.add(this.visit(), now);
      emit(batch.traces);
      if (!pace.next()) return;
    }
    this.rest();
  }

  receiveMetrics(): void {
    const pace = new Pace(this.settings.rate);
    const totals = new Totals(nowUnixNano());
    for (let n: u32 = 0; this.wanted(n); ++n) {
      for (let i: u32 = 0; i < this.settings.items; ++i) totals.add(this.visit());
      emit(totals.toMetrics(nowUnixNano()));
      if (!pace.next()) return;
    }
    this.rest();
  }

  receiveLogs(): void {
    const pace = new Pace(this.settings.rate);
    for (let n: u32 = 0; this.wanted(n); ++n) {
      const batch = new RecordBatch();
      const now = nowUnixNano();
      while (<u32>batch.count < this.settings.items) batch.add(this.visit(), now);
      emit(batch.logs);
      if (!pace.next()) return;
    }
    this.rest();
  }

  private visit(): Visit {
    return new Visit(this.settings.seed, this.visits++, this.settings.errorRate);
  }

  /** Whether the batch of this number is made. */
  private wanted(number: u32): bool {
    return (this.settings.batches == 0 || number < this.settings.batches) && !shutdownRequested();
  }

  /** A receiver that returns before the shutdown has failed. */
  private rest(): void {
    while (sleep(60_000)) {}
  }
}
