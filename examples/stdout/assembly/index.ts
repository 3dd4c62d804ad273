// An exporter that prints what it gets: a line for every span, data point and log record.
import { config, Exporter, type Logs, type Metrics, type Resource, Status, type Traces } from "@otelwasm/sdk";
import { metricLines } from "./metrics";
import { recordLine } from "./record";
import { spanLines } from "./span";
import { quoted } from "./text";

class Settings {
  /** Whether attributes are printed, too. */
  attributes: bool = true;
}

export class Stdout extends Exporter {
  settings: Settings = config<Settings>();

  exportTraces(traces: Traces): Status {
    for (const resource of traces.resourceSpans) {
      const service = serviceName(resource.resource);
      for (const scope of resource.scopeSpans)
        for (const span of scope.spans) print("span", service, spanLines(span, this.settings.attributes));
    }
    return Status.ok();
  }

  exportMetrics(metrics: Metrics): Status {
    for (const resource of metrics.resourceMetrics) {
      const service = serviceName(resource.resource);
      for (const scope of resource.scopeMetrics)
        for (const metric of scope.metrics) print("metric", service, metricLines(metric, this.settings.attributes));
    }
    return Status.ok();
  }

  exportLogs(logs: Logs): Status {
    for (const resource of logs.resourceLogs) {
      const service = serviceName(resource.resource);
      for (const scope of resource.scopeLogs)
        for (const record of scope.logRecords) print("log", service, [recordLine(record, this.settings.attributes)]);
    }
    return Status.ok();
  }
}

function serviceName(resource: Resource): string {
  const name = resource.attributes.get("service.name");
  return name === null ? "unknown_service" : quoted(name.str);
}

/** `console.log` reaches the collector's log, under this component's id. */
function print(kind: string, service: string, lines: string[]): void {
  for (const line of lines) console.log(kind + " " + service + " " + line);
}
