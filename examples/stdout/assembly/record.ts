import type { LogRecord } from "@otelwasm/sdk";
import { attributesText, idText, quoted, timeText, valueText } from "./text";

export function recordLine(record: LogRecord, attributes: bool): string {
  const time = record.timestamp != 0 ? record.timestamp : record.observedTimestamp;
  const text = record.severityText;
  const severity = text.length > 0 ? quoted(text) : severityName(record.severityNumber);
  const event = record.eventName;
  return (
    timeText(time) +
    " " +
    severity +
    (event.length > 0 ? " event=" + quoted(event) : "") +
    (record.hasBody ? " " + valueText(record.body) : "") +
    idText("trace", record.traceId) +
    idText("span", record.spanId) +
    attributesText(record.attributes, attributes)
  );
}

/** https://opentelemetry.io/docs/specs/otel/logs/data-model/#displaying-severity */
function severityName(number: i32): string {
  if (number < 1 || number > 24) return "UNSPECIFIED";
  const names = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];
  const place = (number - 1) % 4;
  return names[(number - 1) / 4] + (place == 0 ? "" : (place + 1).toString());
}
