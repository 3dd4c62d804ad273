import { config, Metrics, MetricsExporter, Status } from "@otelwasm/sdk";

class Settings {
  greeting: string = "got";
}

export class {{className}} extends MetricsExporter {
  settings: Settings = config<Settings>();

  exportMetrics(metrics: Metrics): Status {
    for (const resource of metrics.resourceMetrics)
      for (const scope of resource.scopeMetrics)
        for (const metric of scope.metrics) console.log(this.settings.greeting + " " + metric.name);
    // Status.error("reason"): the sender may try again; Status.invalid("reason"): this batch will never do.
    return Status.ok();
  }
}
