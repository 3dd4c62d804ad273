import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { DataPointType } from "@opentelemetry/sdk-metrics";
import { applySchema } from "../../config/schema.ts";
import { SeriesStore } from "./series.ts";
import { viewsSchema } from "./view-settings.ts";
import { applyViews } from "./views.ts";

/** Two counters, a gauge and a histogram, of two components each. */
function metrics() {
  const store = new SeriesStore("detailed");
  for (const [index, id] of ["x", "y"].entries()) {
    const attributes = { id, kind: "k" };
    store.counter({ name: "a.sent", unit: "{items}", description: "Sent" }, attributes).value = index + 1;
    store.counter({ name: "a.lost", unit: "{items}", description: "Lost" }, attributes).value = 10;
    store.observeGauge({ name: "b.size", unit: "By", description: "Size" }, attributes, () => index + 5);
    const histogram = store.histogram({ name: "b.time", unit: "s", description: "Time" }, attributes, [1, 2]);
    histogram.record(index + 0.5);
    if (index === 1) histogram.record(9);
  }
  return store.collect();
}

function seen(views: object[]): Record<string, unknown> {
  const checked = applySchema(viewsSchema, views, []);
  assert.ok(checked.ok, JSON.stringify(checked));
  return Object.fromEntries(
    applyViews(checked.value, metrics()).map((metric) => [
      metric.descriptor.name,
      metric.dataPointType === DataPointType.HISTOGRAM
        ? metric.dataPoints.map(({ attributes, value }) => [Object.keys(attributes).join(), value])
        : metric.dataPoints.map(({ attributes, value }) => [Object.keys(attributes).join(), value]),
    ]),
  );
}

const names = (views: object[]) => Object.keys(seen(views));
const ALL = ["a.sent", "a.lost", "b.size", "b.time"];

describe("views of own metrics", () => {
  test("what they are for is left out, by name, unit, kind or meter; all else stays", () => {
    const drop = { stream: { aggregation: { drop: {} } } };
    assert.deepEqual(names([]), ALL);
    assert.deepEqual(names([{ selector: { instrument_name: "a.*" }, ...drop }]), ["b.size", "b.time"]);
    assert.deepEqual(names([{ selector: { instrument_name: "a.?ent" }, ...drop }]), ["a.lost", "b.size", "b.time"]);
    assert.deepEqual(names([{ selector: { instrument_name: "a" }, ...drop }]), ALL);
    assert.deepEqual(names([{ selector: { unit: "By" }, ...drop }]), ["a.sent", "a.lost", "b.time"]);
    assert.deepEqual(names([{ selector: { instrument_type: "counter" }, ...drop }]), ["b.size", "b.time"]);
    assert.deepEqual(names([{ selector: { instrument_type: "up_down_counter" }, ...drop }]), ALL);
    assert.deepEqual(names([{ selector: { meter_name: "otelwasm", unit: "s" }, ...drop }]), [
      "a.sent",
      "a.lost",
      "b.size",
    ]);
    assert.deepEqual(names([{ selector: { meter_name: "go.opentelemetry.io/collector" }, ...drop }]), ALL);
  });

  test("a name of its own, and one metric as several", () => {
    const view = (name: string) => ({ selector: { instrument_name: "a.sent" }, stream: { name, description: "New" } });
    assert.deepEqual(names([view("c"), view("d")]), ["c", "d", "a.lost", "b.size", "b.time"]);
  });

  test("fewer attributes: counts are added, of a gauge the last counts", () => {
    const stream = { attribute_keys: { excluded: ["id"] } };
    const selector = { instrument_name: "*" };
    assert.deepEqual(seen([{ selector, stream }]), {
      "a.sent": [["kind", 3]],
      "a.lost": [["kind", 20]],
      "b.size": [["kind", 6]],
      "b.time": [["kind", { buckets: { boundaries: [1, 2], counts: [1, 1, 1] }, count: 3, sum: 11, min: 0.5, max: 9 }]],
    });
    assert.deepEqual(seen([{ selector, stream: { attribute_keys: { included: ["id"] } } }])["a.sent"], [
      ["id", 1],
      ["id", 2],
    ]);
  });
});
