import { config, type Logs, LogsProcessor, Status } from "@otelwasm/sdk";

class Settings {
  key: string = "";
  value: string = "";
}

export class AddAttribute extends LogsProcessor {
  settings: Settings = config<Settings>();

  processLogs(logs: Logs): Status {
    for (const resource of logs.resourceLogs) {
      for (const scope of resource.scopeLogs) {
        for (const record of scope.logRecords) {
          record.attributes.putStr(this.settings.key, this.settings.value);
        }
      }
    }
    return Status.ok();
  }
}
