// Keeps something from every batch, leaves garbage behind, and answers in the way that the configuration names.
import { config, type Logs, LogsProcessor, log, Status } from "@otelwasm/sdk";
import { arenaSize } from "@otelwasm/sdk/memory/arena";
import { pinnedCount } from "@otelwasm/sdk/memory/pins";
import { managedSize } from "@otelwasm/sdk/runtime/collector";

class Settings {
  fail: bool = false;
}

export class Memory extends LogsProcessor {
  settings: Settings = config<Settings>();
  counts: Map<string, i32> = new Map();
  last: string[] = [];

  processLogs(logs: Logs): Status {
    for (const resource of logs.resourceLogs) {
      for (const scope of resource.scopeLogs) {
        for (const record of scope.logRecords) {
          const key = record.severityText;
          if (key == "TRAP") abort("as asked");
          this.counts.set(key, (this.counts.has(key) ? this.counts.get(key) : 0) + 1);
          this.last.push("seen " + key);
          if (this.last.length > 5) this.last.shift();
          record.attributes.putStr("count", "many");
        }
      }
    }
    return this.settings.fail ? Status.error("as configured") : Status.ok();
  }

  shutdown(): Status {
    const keys = this.counts.keys();
    for (const key of keys) log.info(key + "=" + this.counts.get(key).toString());
    log.warn(this.last.join());
    console.log("done");
    return Status.ok();
  }
}

export function pinned(): u32 {
  return pinnedCount();
}

export function arena(): usize {
  return arenaSize();
}

export function managed(): usize {
  return managedSize();
}

export function collect(): void {
  __collect();
}
