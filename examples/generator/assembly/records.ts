import { type LogRecord, Logs, SeverityNumber, type Slice } from "@otelwasm/sdk";
import { describe, spanId, startOf, traceId } from "./common";
import { type Line, type Visit } from "./visit";

/** Log records of visits, by service. */
export class RecordBatch {
  logs: Logs = new Logs();
  /** Of each service, once it has a record. */
  private records: usize[] = [0, 0, 0, 0, 0];
  count: i32 = 0;

  add(visit: Visit, now: u64): void {
    const start = startOf(now, visit.length);
    for (const line of visit.lines) this.write(this.of(line.step.service).appendEmpty(), visit, line, start);
  }

  private of(service: i32): Slice<LogRecord> {
    const known = this.records[service];
    if (known != 0) return changetype<Slice<LogRecord>>(known);
    const resource = this.logs.resourceLogs.appendEmpty();
    const scope = resource.scopeLogs.appendEmpty();
    describe(resource.resource, scope.scope, service);
    this.records[service] = changetype<usize>(scope.logRecords);
    return scope.logRecords;
  }

  private write(record: LogRecord, visit: Visit, line: Line, start: u64): void {
    ++this.count;
    const step = line.step;
    record.timestamp = start + <u64>line.at * 1000;
    record.observedTimestamp = record.timestamp;
    record.severityNumber = line.severity;
    record.severityText = severityText(line.severity);
    record.body.setStr(line.text);
    record.traceId = traceId(visit.traceHigh, visit.traceLow);
    record.spanId = spanId(step.id);
    record.flags = 1;
    record.attributes.putStr("user.name", visit.customer);
    record.attributes.putStr("shop.product", visit.product);
    if (step.message.length > 0) {
      record.attributes.putStr("exception.type", step.error);
      record.attributes.putStr("exception.message", step.message);
    }
  }
}

function severityText(severity: SeverityNumber): string {
  if (severity >= SeverityNumber.Error) return "ERROR";
  if (severity >= SeverityNumber.Warn) return "WARN";
  return severity >= SeverityNumber.Info ? "INFO" : "DEBUG";
}
