import { type Span, StatusCode } from "@otelwasm/sdk";
import { attributesText, idText, number, quoted, timeText } from "./text";

const KINDS = ["unspecified", "internal", "server", "client", "producer", "consumer"];

/** The span, and below it its events. */
export function spanLines(span: Span, attributes: bool): string[] {
  const kind = <i32>span.kind;
  const lines = [
    timeText(span.startTimestamp) +
      " " +
      quoted(span.name) +
      " " +
      (kind >= 0 && kind < KINDS.length ? KINDS[kind] : kind.toString()) +
      " " +
      duration(span.startTimestamp, span.endTimestamp) +
      statusText(span) +
      idText("trace", span.traceId) +
      idText("span", span.spanId) +
      idText("parent", span.parentSpanId) +
      attributesText(span.attributes, attributes),
  ];
  for (const event of span.events)
    lines.push(
      timeText(event.timestamp) +
        " event " +
        quoted(event.name) +
        idText("span", span.spanId) +
        attributesText(event.attributes, attributes),
    );
  for (const link of span.links)
    lines.push(
      "link" +
        idText("trace", link.traceId) +
        idText("to", link.spanId) +
        idText("span", span.spanId) +
        attributesText(link.attributes, attributes),
    );
  return lines;
}

/** In milliseconds, to the microsecond. */
function duration(start: u64, end: u64): string {
  if (end < start) return "-";
  return number(<f64>((end - start) / 1000) / 1000) + "ms";
}

function statusText(span: Span): string {
  const code = span.status.code;
  if (code == StatusCode.Unset) return "";
  const message = span.status.message;
  return (code == StatusCode.Error ? " ERROR" : " OK") + (message.length > 0 ? " " + quoted(message) : "");
}
