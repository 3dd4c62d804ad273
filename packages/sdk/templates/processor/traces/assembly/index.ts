import { config, Traces, TracesProcessor, Status } from "@otelwasm/sdk";

class Settings {
  key: string = "greeting";
  value: string = "hello";
}

export class {{className}} extends TracesProcessor {
  settings: Settings = config<Settings>();

  processTraces(traces: Traces): Status {
    for (const resource of traces.resourceSpans)
      for (const scope of resource.scopeSpans)
        for (const span of scope.spans) span.attributes.putStr(this.settings.key, this.settings.value);
    return Status.ok();
  }
}
