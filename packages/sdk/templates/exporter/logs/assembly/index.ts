import { config, Logs, LogsExporter, Status } from "@otelwasm/sdk";

class Settings {
  greeting: string = "got";
}

export class {{className}} extends LogsExporter {
  settings: Settings = config<Settings>();

  exportLogs(logs: Logs): Status {
    for (const resource of logs.resourceLogs)
      for (const scope of resource.scopeLogs)
        for (const record of scope.logRecords) console.log(this.settings.greeting + " " + record.body.str);
    // Status.error("reason"): the sender may try again; Status.invalid("reason"): this batch will never do.
    return Status.ok();
  }
}
