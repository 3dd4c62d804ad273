import { config, Traces, TracesExporter, Status } from "@otelwasm/sdk";

class Settings {
  greeting: string = "got";
}

export class {{className}} extends TracesExporter {
  settings: Settings = config<Settings>();

  exportTraces(traces: Traces): Status {
    for (const resource of traces.resourceSpans)
      for (const scope of resource.scopeSpans)
        for (const span of scope.spans) console.log(this.settings.greeting + " " + span.name);
    // Status.error("reason"): the sender may try again; Status.invalid("reason"): this batch will never do.
    return Status.ok();
  }
}
