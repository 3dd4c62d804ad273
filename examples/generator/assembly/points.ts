import { AggregationTemporality, type Metric, Metrics, type ScopeMetrics, type Slice, SpanKind } from "@otelwasm/sdk";
import { describe } from "./common";
import { CART, CHECKOUT, SERVICES, type Step, type Visit } from "./visit";

/** In seconds: https://opentelemetry.io/docs/specs/semconv/http/http-metrics/#metric-httpserverrequestduration */
const BOUNDS: f64[] = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

/** How long the requests took that had the same method, route and status. */
class Durations {
  count: u64 = 0;
  sum: f64 = 0;
  min: f64 = Infinity;
  max: f64 = 0;
  buckets: u64[] = new Array<u64>(BOUNDS.length + 1).fill(0);

  constructor(
    public service: i32,
    public method: string,
    public route: string,
    public status: i32,
  ) {}

  add(seconds: f64): void {
    ++this.count;
    this.sum += seconds;
    this.min = min(this.min, seconds);
    this.max = max(this.max, seconds);
    let i = 0;
    while (i < BOUNDS.length && seconds > BOUNDS[i]) ++i;
    this.buckets[i] += 1;
  }
}

/** What has been counted since the start: metrics are cumulative. */
export class Totals {
  private durations: Durations[] = [];
  private taken: i64 = 0;
  private refused: i64 = 0;
  private revenue: f64 = 0;
  private cartItems: i64 = 0;

  constructor(private since: u64) {}

  add(visit: Visit): void {
    let failed = false;
    for (const step of visit.steps) {
      if (step.kind == SpanKind.Server) this.of(step).add(<f64>(step.end - step.start) / 1e6);
      failed = failed || step.status >= 400;
    }
    if (visit.amount > 0) {
      if (failed) ++this.refused;
      else {
        ++this.taken;
        this.revenue += <f64>visit.amount / 100;
        this.cartItems = max<i64>(this.cartItems - 3, 0);
      }
    } else if (visit.steps[0].method == "POST" && !failed) ++this.cartItems;
  }

  private of(step: Step): Durations {
    for (const each of this.durations)
      if (each.service == step.service && each.status == step.status && each.route == step.route && each.method == step.method)
        return each;
    const made = new Durations(step.service, step.method, step.route, step.status);
    this.durations.push(made);
    return made;
  }

  /** A data point for everything that is counted. */
  toMetrics(now: u64): Metrics {
    const metrics = new Metrics();
    for (let service = 0; service < SERVICES.length; ++service) {
      const resource = metrics.resourceMetrics.appendEmpty();
      const scope = resource.scopeMetrics.appendEmpty();
      describe(resource.resource, scope.scope, service);
      this.writeDurations(scope, service, now);
      if (service == CHECKOUT) this.writeOrders(scope.metrics, now);
      if (service == CART) {
        const point = describeMetric(scope.metrics, "shop.cart.items", "{item}", "Items in all carts").setEmptyGauge().dataPoints.appendEmpty();
        point.timestamp = now;
        point.intValue = this.cartItems;
      }
      if (scope.metrics.length == 0) resource.remove();
    }
    return metrics;
  }

  private writeDurations(scope: ScopeMetrics, service: i32, now: u64): void {
    let metric: Metric | null = null;
    for (const each of this.durations) {
      if (each.service != service) continue;
      if (metric === null) {
        metric = describeMetric(scope.metrics, "http.server.request.duration", "s", "Duration of HTTP server requests");
        metric.setEmptyHistogram().aggregationTemporality = AggregationTemporality.Cumulative;
      }
      const point = metric.histogram.dataPoints.appendEmpty();
      point.attributes.putStr("http.request.method", each.method);
      point.attributes.putStr("http.route", each.route);
      point.attributes.putInt("http.response.status_code", each.status);
      point.startTimestamp = this.since;
      point.timestamp = now;
      point.count = each.count;
      point.sum = each.sum;
      point.min = each.min;
      point.max = each.max;
      point.bucketCounts.set(each.buckets);
      point.explicitBounds.set(BOUNDS);
    }
  }

  private writeOrders(metrics: Slice<Metric>, now: u64): void {
    const orders = describeMetric(metrics, "shop.orders", "{order}", "Orders").setEmptySum();
    orders.aggregationTemporality = AggregationTemporality.Cumulative;
    orders.isMonotonic = true;
    for (let i = 0; i < 2; ++i) {
      const point = orders.dataPoints.appendEmpty();
      point.attributes.putStr("shop.order.outcome", i == 0 ? "taken" : "refused");
      point.startTimestamp = this.since;
      point.timestamp = now;
      point.intValue = i == 0 ? this.taken : this.refused;
    }
    const revenue = describeMetric(metrics, "shop.revenue", "EUR", "Revenue").setEmptySum();
    revenue.aggregationTemporality = AggregationTemporality.Cumulative;
    revenue.isMonotonic = true;
    const point = revenue.dataPoints.appendEmpty();
    point.startTimestamp = this.since;
    point.timestamp = now;
    point.doubleValue = this.revenue;
  }
}

function describeMetric(metrics: Slice<Metric>, name: string, unit: string, description: string): Metric {
  const metric = metrics.appendEmpty();
  metric.name = name;
  metric.unit = unit;
  metric.description = description;
  return metric;
}
