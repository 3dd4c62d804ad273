import { config, Metrics, MetricsProcessor, Status } from "@otelwasm/sdk";

class Settings {
  key: string = "greeting";
  value: string = "hello";
}

export class {{className}} extends MetricsProcessor {
  settings: Settings = config<Settings>();

  processMetrics(metrics: Metrics): Status {
    for (const resource of metrics.resourceMetrics) resource.resource.attributes.putStr(this.settings.key, this.settings.value);
    return Status.ok();
  }
}
