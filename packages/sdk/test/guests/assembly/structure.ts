// Removes, appends, moves and copies whole messages, in the way that the configuration names.
import { Attributes, Bytes, config, KeyValue, Logs, LogsProcessor, Status, Value, ValueType } from "@otelwasm/sdk";

class Settings {
  operation: string = "";
  limit: i32 = 3;
}

export class Structure extends LogsProcessor {
  settings: Settings = config<Settings>();
  seen: i64 = 0;

  processLogs(logs: Logs): Status {
    const operation = this.settings.operation;
    if (operation == "route") return this.route(logs);
    if (operation == "drop") {
      logs.resourceLogs.removeIf(() => true);
      return Status.ok();
    }
    for (const resource of logs.resourceLogs) {
      for (const scope of resource.scopeLogs) {
        const records = scope.logRecords;
        if (operation == "filter") {
          for (const record of records) if (record.severityNumber < 3) record.remove();
          if (records.length == 0) scope.remove();
        } else if (operation == "filterIf") {
          records.removeIf((record) => record.severityNumber < this.settings.limit);
        } else if (operation == "append") {
          const record = records.appendEmpty();
          record.severityText = "new";
          record.body.setEmptySlice().appendEmpty().setInt(-1);
          record.attributes.putEmptyMap("map").putStr("inner", "text");
          records.at(0).droppedAttributesCount = <u32>records.length;
        } else if (operation == "copy") {
          const count = records.length;
          for (let i = 0; i < count; ++i) records.at(i).copyTo(records).eventName = "copy";
        } else if (operation == "put") {
          for (const record of records) {
            const attributes = record.attributes;
            attributes.putStr("a", "new text");
            attributes.putInt("marked", -2);
            attributes.putDouble("service.name", 2.5);
            attributes.putBool("é", true);
            attributes.putBytes("", Bytes.fromHex("00ff"));
            attributes.putUtf8("copy", record.severityTextUtf8);
            attributes.putEmptySlice("list").appendEmpty().setStr("item");
            attributes.putStr("a", "newer text");
          }
        } else if (operation == "copyValue") {
          for (const record of records) {
            const value = record.attributes.get("a");
            if (value !== null) value.copyTo(record.body);
          }
        } else if (operation == "reverse") {
          for (let i = records.length - 1; i >= 0; --i) records.at(i).moveTo(records);
        } else if (operation == "attributes") {
          this.attributes(resource.resource.attributes);
          for (const record of records) this.attributes(record.attributes);
        } else if (operation == "read") {
          this.read(resource.resource.attributes);
          for (const record of records) {
            this.seen += record.severityNumber + record.severityText.length + record.droppedAttributesCount;
            this.read(record.attributes);
            this.value(record.body);
          }
        }
      }
    }
    return Status.ok();
  }

  /** Errors go to a resource of their own, at the end. */
  private route(logs: Logs): Status {
    const errors = logs.resourceLogs.appendEmpty();
    errors.resource.attributes.putBool("errors", true);
    const target = errors.scopeLogs.appendEmpty().logRecords;
    for (const resource of logs.resourceLogs) {
      if (resource === errors) break;
      for (const scope of resource.scopeLogs) {
        for (const record of scope.logRecords) if (record.severityNumber >= 100) record.moveTo(target);
      }
    }
    return Status.ok();
  }

  private attributes(attributes: Attributes): void {
    for (const entry of attributes) {
      if (entry.keyUtf8.equalsString("a")) entry.remove();
      else if (entry.type == ValueType.Str) entry.value.setStr(entry.str.toUpperCase());
    }
    attributes.removeIf((entry: KeyValue) => entry.type == ValueType.Int && entry.int == entry.value.int);
    attributes.remove("service.name");
    attributes.putDouble("é", 0.5);
  }

  private read(attributes: Attributes): void {
    for (const entry of attributes) this.seen += entry.key.length + (attributes.has("marked") ? 1 : 0);
    for (const entry of attributes) this.value(entry.value);
    const marked = attributes.get("marked");
    if (marked !== null) this.value(marked);
  }

  private value(value: Value): void {
    this.seen += value.str.length + value.int + <i64>value.bool + value.bytes.length;
    for (const each of value.slice) this.value(each);
    this.read(value.map);
  }
}
