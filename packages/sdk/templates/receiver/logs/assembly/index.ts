import { config, emit, Logs, LogsReceiver, nowUnixNano, SeverityNumber, shutdownRequested, sleep } from "@otelwasm/sdk";

class Settings {
  greeting: string = "hello";
  /** Milliseconds between two batches. */
  interval: f64 = 1000;
}

export class {{className}} extends LogsReceiver {
  settings: Settings = config<Settings>();
  count: i64 = 0;

  /** Called once; returns when the collector shuts down. */
  receiveLogs(): void {
    while (!shutdownRequested()) {
      const logs = new Logs();
      const record = logs.resourceLogs.appendEmpty().scopeLogs.appendEmpty().logRecords.appendEmpty();
      record.timestamp = nowUnixNano();
      record.severityNumber = SeverityNumber.Info;
      record.body.setStr(this.settings.greeting);
      record.attributes.putInt("count", ++this.count);
      // Waits while the pipeline cannot take it; logs and all that is in it are gone after this.
      emit(logs);
      sleep(this.settings.interval);
    }
  }
}
