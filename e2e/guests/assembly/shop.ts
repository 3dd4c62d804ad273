// One module of two kinds, for every signal: a receiver that makes batches, and a processor that marks items.
import {
  config,
  emit,
  Logs,
  log,
  Metrics,
  Processor,
  Receiver,
  SeverityNumber,
  SpanKind,
  shutdownRequested,
  sleep,
  Status,
  Traces,
} from "@otelwasm/sdk";

class Settings {
  /** How many batches a receiver makes; then it waits for its end. */
  batches: u32 = 3;
  mark: string = "";
}

function waitForShutdown(): void {
  while (sleep(60_000));
  log.info("the loop has ended");
}

export class Source extends Receiver {
  settings: Settings = config<Settings>();

  start(): Status {
    log.info("source started");
    return Status.ok();
  }

  receiveTraces(): void {
    for (let n: u32 = 0; n < this.settings.batches && !shutdownRequested(); ++n) {
      const traces = new Traces();
      const resource = traces.resourceSpans.appendEmpty();
      resource.resource.attributes.putStr("service.name", "shop");
      const span = resource.scopeSpans.appendEmpty().spans.appendEmpty();
      span.name = "item " + n.toString();
      span.kind = SpanKind.Server;
      emit(traces);
    }
    waitForShutdown();
  }

  receiveMetrics(): void {
    for (let n: u32 = 0; n < this.settings.batches && !shutdownRequested(); ++n) {
      const metrics = new Metrics();
      const resource = metrics.resourceMetrics.appendEmpty();
      resource.resource.attributes.putStr("service.name", "shop");
      const metric = resource.scopeMetrics.appendEmpty().metrics.appendEmpty();
      metric.name = "item " + n.toString();
      metric.setEmptyGauge().dataPoints.appendEmpty().intValue = n;
      emit(metrics);
    }
    waitForShutdown();
  }

  receiveLogs(): void {
    for (let n: u32 = 0; n < this.settings.batches && !shutdownRequested(); ++n) {
      const logs = new Logs();
      const resource = logs.resourceLogs.appendEmpty();
      resource.resource.attributes.putStr("service.name", "shop");
      const record = resource.scopeLogs.appendEmpty().logRecords.appendEmpty();
      record.severityNumber = SeverityNumber.Info;
      record.body.setStr("item " + n.toString());
      emit(logs);
    }
    waitForShutdown();
  }

  shutdown(): Status {
    log.info("source shut down");
    return Status.ok();
  }
}

export class Mark extends Processor {
  settings: Settings = config<Settings>();

  processTraces(traces: Traces): Status {
    for (const resource of traces.resourceSpans)
      for (const scope of resource.scopeSpans)
        for (const span of scope.spans) span.attributes.putStr("marked", this.settings.mark);
    return Status.ok();
  }

  processMetrics(metrics: Metrics): Status {
    for (const resource of metrics.resourceMetrics) resource.resource.attributes.putStr("marked", this.settings.mark);
    return Status.ok();
  }

  processLogs(logs: Logs): Status {
    for (const resource of logs.resourceLogs)
      for (const scope of resource.scopeLogs)
        for (const record of scope.logRecords) record.attributes.putStr("marked", this.settings.mark);
    return Status.ok();
  }
}
