/** Holds TELEMETRY.md to what a collector that runs has on its page, and the other way round. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { getHeapStatistics } from "node:v8";
import { createCollector, validateConfig } from "otelwasm";
import { buildAttributesPlugin } from "../examples/attributes/build.ts";

const text = readFileSync(new URL("TELEMETRY.md", import.meta.url), "utf8");
const folder = mkdtempSync(join(tmpdir(), "otelwasm-docs-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const LEVELS = ["basic", "normal", "detailed"] as const;
type Level = (typeof LEVELS)[number];

interface Metric {
  readonly type: string;
  readonly unit: string;
  readonly labels: string;
}

const PLUGIN_LABELS = [
  "otelcol.component.id",
  "otelcol.component.kind",
  "otelcol.pipeline.id",
  "otelcol.signal",
  "otelwasm.isolation",
  "otelwasm.runtime",
];
const LIKE_SPANS = { spans: "{spans}", metric_points: "{datapoints}", log_records: "{records}" };

/** What the tables say is there on a level. */
function documented(level: Level): Map<string, Metric> {
  const rows = text.matchAll(/^\| `(otel\w+)` \| (\w+) \| ([^|]*?) ?\| ([^|]*?) ?\| (\w+) \|/gm);
  const found = new Map<string, Metric>();
  for (const [, name, type, unit, labels, from] of rows) {
    assert.ok((LEVELS as readonly string[]).includes(from!), `${name}: ${from}`);
    if (LEVELS.indexOf(from as Level) > LEVELS.indexOf(level)) continue;
    const own = labels === "" ? [] : labels!.split(", ");
    const all = [...own, ...(name!.startsWith("otelwasm_plugin_") ? PLUGIN_LABELS : [])];
    const metric = {
      type: type!,
      labels: all
        .map((each) => each.replaceAll(".", "_"))
        .sort()
        .join(),
    };
    if (name!.endsWith("_spans"))
      for (const [items, itemsUnit] of Object.entries(LIKE_SPANS))
        found.set(name!.replace(/spans$/, items), { ...metric, unit: itemsUnit });
    else found.set(name!, { ...metric, unit: unit! });
  }
  return found;
}

/** What is on the page of a collector that has all that measures something. */
async function exposed(level: Level): Promise<Map<string, Metric>> {
  const actions = [{ key: "a", value: "b", action: "insert" }];
  const prometheus = {
    host: "127.0.0.1",
    port: 0,
    without_scope_info: true,
    without_type_suffix: true,
    without_units: true,
  };
  const signals = ["traces", "metrics", "logs"];
  const pipeline = { receivers: ["otlp"], processors: ["memory_limiter", "wasm", "batch"], exporters: ["otlp_http"] };
  const collector = await createCollector({
    extensions: { file_storage: { directory: mkdtempSync(join(folder, "-")) } },
    receivers: { otlp: { protocols: { http: { endpoint: "127.0.0.1:0" }, grpc: { endpoint: "127.0.0.1:0" } } } },
    processors: {
      memory_limiter: { check_interval: "1s", limit_mib: 100_000 },
      wasm: { path: await buildAttributesPlugin(), plugin_config: { actions } },
      batch: {},
    },
    exporters: {
      otlp_http: { endpoint: "http://127.0.0.1:1", sending_queue: { batch: {}, storage: "file_storage" } },
    },
    service: {
      extensions: ["file_storage"],
      telemetry: { metrics: { level, readers: [{ pull: { exporter: { prometheus } } }] } },
      pipelines: Object.fromEntries(signals.map((signal) => [signal, pipeline])),
    },
  });
  await collector.start();
  const { url } = collector.endpoints.find(({ protocol }) => protocol === "prometheus")!;
  const page = await (await fetch(url)).text();
  await collector.shutdown();
  const metrics = new Map<string, { type: string; unit: string; labels: Set<string> }>();
  for (const line of page.split("\n")) {
    const [, kind, about, value] = /^# (TYPE|UNIT) (\w+) (\S+)$/.exec(line) ?? [];
    if (about !== undefined) {
      const metric = metrics.get(about) ?? { type: "", unit: "", labels: new Set<string>() };
      metrics.set(about, { ...metric, [kind === "TYPE" ? "type" : "unit"]: value });
      continue;
    }
    const [, series, labels = ""] = /^(\w+)(?:\{(.*)\})? \S+$/.exec(line) ?? [];
    if (series === undefined) continue;
    const metric = metrics.get(series) ?? metrics.get(series.replace(/_(bucket|sum|count)$/, ""));
    assert.ok(metric !== undefined, line);
    for (const [, label] of labels.matchAll(/(\w+)="/g)) if (label !== "le") metric.labels.add(label!);
  }
  // Prometheus' own.
  metrics.delete("target_info");
  return new Map([...metrics].map(([name, metric]) => [name, { ...metric, labels: [...metric.labels].sort().join() }]));
}

describe("TELEMETRY.md", () => {
  for (const level of LEVELS)
    test(`level ${level}: has every metric with its type, unit and labels, and none that is not there`, async () => {
      const expected = documented(level);
      if (!("total_allocated_bytes" in getHeapStatistics()))
        expected.delete("otelcol_process_runtime_total_alloc_bytes");
      const sorted = (metrics: Map<string, Metric>) =>
        Object.fromEntries([...metrics].sort(([a], [b]) => (a < b ? -1 : 1)));
      assert.deepEqual(sorted(await exposed(level)), sorted(expected));
    });

  test("its configuration can be used", async () => {
    const [, yaml] = /^```yaml own\.yaml\n(.*?)^```/ms.exec(text) ?? [];
    assert.deepEqual(await validateConfig(yaml!), []);
  });
});
