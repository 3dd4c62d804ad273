// Emits what its configuration asks for, keeps something from every batch, and leaves garbage behind.
import { config, emit, Logs, log, LogsReceiver, monotonicNano, nowUnixNano, SeverityNumber, shutdownRequested, sleep, Traces, TracesReceiver } from "@otelwasm/sdk";
import { arenaSize } from "@otelwasm/sdk/memory/arena";
import { pinnedCount } from "@otelwasm/sdk/memory/pins";
import { managedSize } from "@otelwasm/sdk/runtime/collector";

class Settings {
  emits: u32 = 3;
  records: u32 = 2;
  /** Milliseconds between batches. */
  pause: f64 = 0;
  mode: string = "";
}

export class Numbers extends LogsReceiver {
  settings: Settings = config<Settings>();
  last: string[] = [];

  receiveLogs(): void {
    const kept = "kept on the stack: " + this.settings.emits.toString();
    const started = monotonicNano();
    for (let i: u32 = 0; i < this.settings.emits && !shutdownRequested(); ++i) {
      const name = "batch " + i.toString();
      const logs = new Logs();
      const resource = logs.resourceLogs.appendEmpty();
      resource.resource.attributes.putStr("service.name", name);
      const scope = resource.scopeLogs.appendEmpty();
      for (let n: u32 = 0; n < this.settings.records; ++n) {
        const record = scope.logRecords.appendEmpty();
        record.timestamp = nowUnixNano();
        record.severityNumber = SeverityNumber.Info;
        record.body.setStr("record " + n.toString() + " of " + name);
        record.attributes.putInt("n", n);
      }
      this.last.push(name);
      if (this.last.length > 3) this.last.shift();
      emit(logs);
      if (this.settings.pause > 0 && !sleep(this.settings.pause)) log.info("woken by shutdown");
    }
    if (this.settings.mode == "twice") {
      const logs = new Logs();
      emit(logs);
      emit(logs);
    }
    if (this.settings.mode == "wait") while (sleep(60_000));
    log.info(kept + "; " + this.last.join() + "; " + (monotonicNano() >= started).toString());
  }
}

/** Two batches at once, the second made before the first is emitted; and an empty one. */
export class Pair extends TracesReceiver {
  receiveTraces(): void {
    emit(new Traces());
    const first = new Traces();
    first.resourceSpans.appendEmpty().scopeSpans.appendEmpty().spans.appendEmpty().name = "first";
    const second = new Traces();
    second.resourceSpans.appendEmpty().scopeSpans.appendEmpty().spans.appendEmpty().name = "second";
    emit(first);
    second.resourceSpans.at(0).schemaUrl = "added later";
    emit(second);
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
