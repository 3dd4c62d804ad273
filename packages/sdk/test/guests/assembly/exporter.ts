// Counts what it exports, in one class for two signals and another one for the third.
import { config, Exporter, Logs, LogsExporter, Metrics, Status, Traces } from "@otelwasm/sdk";

class Settings {
  refuse: string = "";
}

export class Counter extends Exporter {
  settings: Settings = config<Settings>();
  spans: i32 = 0;

  exportTraces(traces: Traces): Status {
    for (const resource of traces.resourceSpans) for (const scope of resource.scopeSpans) this.spans += scope.spans.length;
    return Status.ok();
  }

  exportMetrics(metrics: Metrics): Status {
    return this.settings.refuse == "metrics" ? Status.invalid("no metrics today") : Status.ok();
  }

  shutdown(): Status {
    console.log(this.spans.toString() + " spans");
    return Status.ok();
  }
}

export class Bodies extends LogsExporter {
  exportLogs(logs: Logs): Status {
    for (const resource of logs.resourceLogs)
      for (const scope of resource.scopeLogs)
        for (const record of scope.logRecords) {
          console.log(record.body.str);
          record.attributes.putStr("seen", "yes");
        }
    return Status.ok();
  }
}
