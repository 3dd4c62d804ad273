// An exporter whose destination is the log: names of spans and metrics, bodies of records. Or it fails, as it is told to.
import { config, Exporter, Logs, log, Metrics, Status, Traces } from "@otelwasm/sdk";

class Settings {
  /** `error`, `invalid`, `trap`, or nothing. */
  fail: string = "";
}

export class Print extends Exporter {
  settings: Settings = config<Settings>();

  outcome(): Status {
    if (this.settings.fail == "error") return Status.error("the printer is out of paper");
    if (this.settings.fail == "invalid") return Status.invalid("that cannot be printed");
    if (this.settings.fail == "trap") unreachable();
    return Status.ok();
  }

  exportTraces(traces: Traces): Status {
    for (const resource of traces.resourceSpans)
      for (const scope of resource.scopeSpans) for (const span of scope.spans) log.info("printed " + span.name);
    return this.outcome();
  }

  exportMetrics(metrics: Metrics): Status {
    for (const resource of metrics.resourceMetrics)
      for (const scope of resource.scopeMetrics) for (const metric of scope.metrics) log.info("printed " + metric.name);
    return this.outcome();
  }

  exportLogs(logs: Logs): Status {
    for (const resource of logs.resourceLogs)
      for (const scope of resource.scopeLogs) for (const record of scope.logRecords) log.info("printed " + record.body.str);
    return this.outcome();
  }
}
