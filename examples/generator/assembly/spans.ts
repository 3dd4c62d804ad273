import { type Slice, type Span, SpanKind, StatusCode, Traces } from "@otelwasm/sdk";
import { describe, spanId, startOf, traceId } from "./common";
import { CHECKOUT, FRONTEND, PAYMENT, SERVICES, type Step, type Visit } from "./visit";

/** Spans of visits, by service. */
export class SpanBatch {
  traces: Traces = new Traces();
  /** Of each service, once it has a span. */
  private spans: usize[] = [0, 0, 0, 0, 0];
  count: i32 = 0;

  add(visit: Visit, now: u64): void {
    const start = startOf(now, visit.length);
    for (const step of visit.steps) this.write(this.of(step.service).appendEmpty(), visit, step, start);
  }

  private of(service: i32): Slice<Span> {
    const known = this.spans[service];
    if (known != 0) return changetype<Slice<Span>>(known);
    const resource = this.traces.resourceSpans.appendEmpty();
    const scope = resource.scopeSpans.appendEmpty();
    describe(resource.resource, scope.scope, service);
    this.spans[service] = changetype<usize>(scope.spans);
    return scope.spans;
  }

  private write(span: Span, visit: Visit, step: Step, start: u64): void {
    ++this.count;
    span.traceId = traceId(visit.traceHigh, visit.traceLow);
    span.spanId = spanId(step.id);
    if (step.parent != 0) span.parentSpanId = spanId(step.parent);
    span.flags = 0x101;
    span.name = step.name;
    span.kind = step.kind;
    span.startTimestamp = start + <u64>step.start * 1000;
    span.endTimestamp = start + <u64>step.end * 1000;
    if (step.status != 0) http(span, step);
    else if (step.kind == SpanKind.Client) {
      span.attributes.putStr("db.system.name", step.peer);
      span.attributes.putStr("db.operation.name", step.peer == "redis" ? "HSET" : "SELECT");
      if (step.peer == "postgresql") span.attributes.putStr("db.query.text", "SELECT * FROM products WHERE name = $1");
    } else {
      span.attributes.putStr("messaging.system", "kafka");
      span.attributes.putStr("messaging.destination.name", step.peer);
      span.attributes.putStr("messaging.operation.type", step.kind == SpanKind.Producer ? "send" : "process");
    }
    if (step.service == FRONTEND && step.kind == SpanKind.Server) {
      span.attributes.putStr("user.email", visit.customer + "@example.com");
      span.attributes.putStr("shop.product", visit.product);
    }
    if (visit.amount > 0 && (step.service == CHECKOUT || step.service == PAYMENT) && step.kind == SpanKind.Server)
      span.attributes.putDouble("shop.order.amount", <f64>visit.amount / 100);
    if (step.error.length > 0) failure(span, step);
  }
}

function http(span: Span, step: Step): void {
  span.attributes.putStr("http.request.method", step.method);
  if (step.kind == SpanKind.Server) {
    span.attributes.putStr("http.route", step.route);
    span.attributes.putStr("url.path", step.route);
  } else {
    span.attributes.putStr("server.address", step.peer);
    span.attributes.putInt("server.port", 8080);
    span.attributes.putStr("url.full", "http://" + step.peer + ":8080" + step.route);
  }
  span.attributes.putInt("http.response.status_code", step.status);
}

function failure(span: Span, step: Step): void {
  span.attributes.putStr("error.type", step.error);
  span.status.code = StatusCode.Error;
  if (step.message.length == 0) return;
  span.status.message = step.message;
  const event = span.events.appendEmpty();
  event.timestamp = span.endTimestamp;
  event.name = "exception";
  event.attributes.putStr("exception.type", step.error);
  event.attributes.putStr("exception.message", step.message);
  event.attributes.putStr("exception.stacktrace", step.error + ": " + step.message + "\n    at " + SERVICES[step.service] + "/handler");
}
