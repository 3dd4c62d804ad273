import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as z from "zod";
import { type ComponentSettings, defineExtension } from "../../component/factory.ts";
import type { Collector } from "../collector.ts";
import { createCollector } from "../create.ts";
import { createWorld } from "../testing/components.ts";
import { scrape } from "./testing/page.ts";

const BASE = {
  receivers: { mem: {} },
  exporters: { mem: {} },
};
const PIPELINES = { traces: { receivers: ["mem"], exporters: ["mem"] } };
const ANYWHERE = { host: "127.0.0.1", port: 0 };

interface Measured {
  readonly collector: Collector;
  readonly measuring: ComponentSettings["measuring"];
  readonly meter: ComponentSettings["meter"];
}

async function started(metrics: object | undefined, defaultMetricsAddress?: typeof ANYWHERE): Promise<Measured> {
  const world = createWorld();
  const service = { pipelines: PIPELINES, ...(metrics === undefined ? {} : { telemetry: { metrics } }) };
  const collector = await createCollector(
    { ...BASE, service },
    { ...world, ...(defaultMetricsAddress === undefined ? {} : { defaultMetricsAddress }) },
  );
  await collector.start();
  const { meter, measuring } = world.settings.get("exporter mem traces")!;
  return { collector, meter, measuring };
}

const reader = (more: object = {}) => ({ pull: { exporter: { prometheus: { ...ANYWHERE, ...more } } } });

/** What a test measures: a counter and a gauge with units, for two components. */
function measure(meter: ComponentSettings["meter"]): void {
  for (const id of ["a", "b"]) {
    const attributes = { "otelcol.component.id": id };
    meter
      .createObservableCounter("test_taken", { unit: "{item}", description: "Items taken" })
      .addCallback((result) => result.observe(id === "a" ? 3 : 4, attributes));
    meter
      .createObservableCounter("test_total_bytes", { unit: "By" })
      .addCallback((result) => result.observe(5, attributes));
    meter.createObservableGauge("test_room", { unit: "By" }).addCallback((result) => result.observe(6, attributes));
  }
}

const RESOURCE = /service_name="otelwasm",service_version="[^"]+",service_instance_id="[0-9a-f-]{36}"/;

describe("own metrics", () => {
  test("where no reader is named: the Collector's names, with the resource in each series", async () => {
    const { collector, meter } = await started(undefined, ANYWHERE);
    measure(meter);
    const [{ component, protocol, url } = assert.fail()] = collector.endpoints;
    assert.deepEqual([component, protocol], ["service::telemetry::metrics", "prometheus"]);
    assert.match(url, /^http:\/\/127\.0\.0\.1:[1-9]\d*\/metrics$/);
    const text = await scrape(url);
    for (const name of ["otelcol_process_uptime", "otelcol_process_cpu_seconds", "otelcol_process_memory_rss"]) {
      const [, labels, value] = new RegExp(`^${name}\\{(.*)\\} (\\S+)$`, "m").exec(text) ?? assert.fail(text);
      assert.match(labels!, new RegExp(`^${RESOURCE.source}$`));
      assert.ok(Number(value) > 0);
    }
    assert.match(text, new RegExp(`^target_info\\{${RESOURCE.source}\\} 1$`, "m"));
    assert.match(text, /^# HELP test_taken Items taken\n# UNIT test_taken \{item\}\n# TYPE test_taken counter$/m);
    assert.match(text, /^test_taken\{otelcol_component_id="a",.*\} 3\ntest_taken\{otelcol_component_id="b",.*\} 4$/m);
    assert.match(text, /^test_total_bytes\{/m);
    assert.doesNotMatch(text, /_total\b(?!_bytes)|otel_scope/);
    await collector.shutdown();
    await assert.rejects(fetch(url));
  });

  test("a reader has units and types in its names, and the scope in each series, unless it is told not to", async () => {
    const without = { without_scope_info: true, without_type_suffix: true, without_units: true };
    const { collector, meter } = await started({ level: "basic", readers: [reader(), reader(without)] });
    measure(meter);
    const [first, second] = collector.endpoints.map(({ url }) => url);
    const text = await scrape(first);
    for (const name of [
      "otelcol_process_uptime_seconds_total",
      "otelcol_process_cpu_seconds_total",
      "otelcol_process_memory_rss_bytes",
    ])
      assert.match(text, new RegExp(`^${name}\\{otel_scope_name="otelwasm",otel_scope_version="[^"]+"\\} \\S+$`, "m"));
    for (const name of ["test_taken_total", "test_total_bytes_total", "test_room_bytes"])
      assert.match(text, new RegExp(`^${name}\\{otelcol_component_id="a",otel_scope_name=`, "m"));
    const plain = await scrape(second);
    assert.match(plain, /^otelcol_process_uptime \S+$/m);
    assert.match(plain, /^test_room\{otelcol_component_id="a"\} 6$/m);
    await collector.shutdown();
  });

  test("of the resource, the attributes that a reader asks for are in each series; service::telemetry::resource says what it has", async () => {
    const world = createWorld();
    const labels = [{ included: ["service.*"], excluded: ["*.version", "service.instance.?d"] }, { included: [] }];
    const telemetry = {
      resource: { "service.name": "edge", "service.namespace": 'a"b', team: "x" },
      metrics: {
        readers: labels.map((each) => reader({ with_resource_constant_labels: each, without_scope_info: true })),
      },
    };
    const collector = await createCollector({ ...BASE, service: { pipelines: PIPELINES, telemetry } }, world);
    await collector.start();
    const [some, all] = await Promise.all(collector.endpoints.map(({ url }) => scrape(url)));
    assert.match(some!, /^otelcol_process_memory_rss_bytes\{service_name="edge",service_namespace="a\\"b"\} \d/m);
    assert.match(
      all!,
      /^otelcol_process_memory_rss_bytes\{service_name="edge",service_version=".*",service_instance_id=".*",service_namespace=".*",team="x"\} \d/m,
    );
    await collector.shutdown();
  });

  test("views change what every reader has, of the SDK's metrics and of all others", async () => {
    const { collector, meter } = await started({
      level: "detailed",
      readers: [reader({ without_scope_info: true })],
      views: [
        { selector: { instrument_name: "otelcol_process_*" }, stream: { aggregation: { drop: {} } } },
        {
          selector: { instrument_name: "test_taken" },
          stream: { name: "test_all", attribute_keys: { excluded: ["*"] } },
        },
      ],
    });
    measure(meter);
    const text = await scrape(collector.endpoints[0]!.url);
    assert.doesNotMatch(text, /otelcol_process_|test_taken/);
    assert.match(text, /^test_all_total 7$/m);
    assert.match(text, /^test_room_bytes\{otelcol_component_id="a"\} 6$/m);
    await collector.shutdown();
  });

  test("the library opens nothing that nobody asked for, and level none measures nothing", async () => {
    for (const { collector, measuring } of [
      await started(undefined),
      await started({ level: "detailed" }),
      await started({ level: "none" }, ANYWHERE),
      await started({ level: "none", readers: [reader()] }),
    ]) {
      assert.deepEqual(collector.endpoints, []);
      // Components have nothing to count for, and do not.
      assert.equal(measuring, undefined);
      await collector.shutdown();
    }
  });

  test("can be read until the last component has stopped", async () => {
    const world = createWorld();
    let url = "";
    let last = "";
    const reads = defineExtension({
      kind: "extension",
      type: "reads",
      description: "Reads own metrics when it is shut down: after everything else",
      schema: z.strictObject({}),
      create: () => ({
        async start() {},
        async shutdown() {
          last = await scrape(url);
        },
      }),
    });
    const collector = await createCollector(
      {
        ...BASE,
        extensions: { reads: {} },
        service: { extensions: ["reads"], pipelines: PIPELINES, telemetry: { metrics: { readers: [reader()] } } },
      },
      { factories: [...world.factories, reads] },
    );
    await collector.start();
    url = collector.endpoints[0]!.url;
    await collector.shutdown();
    assert.match(last, /^otelcol_process_uptime_seconds_total/m);
  });

  test("a port that is taken: nothing starts, and the error says where to choose another", async () => {
    const { collector: first } = await started(undefined, ANYWHERE);
    const port = Number(new URL(first.endpoints[0]!.url).port);
    const world = createWorld();
    const second = await createCollector(
      { ...BASE, service: { pipelines: PIPELINES } },
      { ...world, defaultMetricsAddress: { host: "127.0.0.1", port } },
    );
    await assert.rejects(second.start(), (error: Error) => {
      assert.match(
        error.message,
        new RegExp(`^service::telemetry::metrics: cannot listen on 127\\.0\\.0\\.1:${port}: `),
      );
      assert.match(
        error.message,
        /in use .*; its readers say where own metrics are served, level: none switches them off$/,
      );
      return true;
    });
    assert.equal(world.events.filter((event) => event.startsWith("start ")).length, 0);
    await first.shutdown();
  });
});
