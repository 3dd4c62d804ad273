// An exporter that prints what it gets: a line for every span, data point and log record.
import { config, Exporter, type Logs, type Metrics, type Resource, Status, type Traces } from "@otelwasm/sdk";
import { metricLines } from "./metrics";
import { recordLine } from "./record";
import { spanLines } from "./span";
import { quoted } from "./text";

class Settings {
  /** Whether attributes are printed, too. */
  attributes: bool = true;
  /** Lines for one batch; what is more is counted. */
  @key("max_lines") maxLines: i32 = 100;
}

export class Stdout extends Exporter {
  settings: Settings = config<Settings>();
  /** What the present batch may still print. */
  private left: i32 = 0;
  private more: i32 = 0;

  exportTraces(traces: Traces): Status {
    this.begin();
    for (const resource of traces.resourceSpans) {
      const service = serviceName(resource.resource);
      for (const scope of resource.scopeSpans)
        for (const span of scope.spans)
          if (this.left <= 0) ++this.more;
          else this.print("span", service, spanLines(span, this.settings.attributes));
    }
    return this.end();
  }

  exportMetrics(metrics: Metrics): Status {
    this.begin();
    for (const resource of metrics.resourceMetrics) {
      const service = serviceName(resource.resource);
      for (const scope of resource.scopeMetrics)
        for (const metric of scope.metrics)
          if (this.left <= 0) ++this.more;
          else this.print("metric", service, metricLines(metric, this.settings.attributes));
    }
    return this.end();
  }

  exportLogs(logs: Logs): Status {
    this.begin();
    for (const resource of logs.resourceLogs) {
      const service = serviceName(resource.resource);
      for (const scope of resource.scopeLogs)
        for (const record of scope.logRecords)
          if (this.left <= 0) ++this.more;
          else this.print("log", service, [recordLine(record, this.settings.attributes)]);
    }
    return this.end();
  }

  private begin(): void {
    this.left = this.settings.maxLines;
    this.more = 0;
  }

  /** `console.log` reaches the collector's log, under this component's id. */
  private print(kind: string, service: string, lines: string[]): void {
    for (const line of lines) console.log(kind + " " + service + " " + line);
    this.left -= lines.length;
  }

  private end(): Status {
    if (this.more > 0) console.log("... and " + this.more.toString() + " more");
    return Status.ok();
  }
}

function serviceName(resource: Resource): string {
  const name = resource.attributes.get("service.name");
  return name === null ? "unknown_service" : quoted(name.str);
}
