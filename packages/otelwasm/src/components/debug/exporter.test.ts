import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { ConsumerError } from "../../component/errors.ts";
import type { ComponentSettings } from "../../component/factory.ts";
import { type LogAttributes, type Logger, silentLogger } from "../../component/logger.ts";
import { settingsWith } from "../../component/testing/settings.ts";
import { optionalDeliveryKeys } from "../../exporterhelper/config.ts";
import { SIGNALS, type Signal } from "../../telemetry/batch.ts";
import { decodeJson } from "../../telemetry/json.ts";
import { payloads } from "../../telemetry/testing/arbitrary.ts";
import { buildPayload } from "../../telemetry/testing/payload.ts";
import { type DebugExporterConfig, schema } from "./config.ts";
import { detailedText } from "./detailed.ts";
import { createExporter } from "./exporter.ts";
import { debugExporter } from "./factory.ts";
import { normalText } from "./normal.ts";

type Line = [message: string, attributes?: LogAttributes];

function recorder(): { logger: Logger; lines: Line[] } {
  const lines: Line[] = [];
  const logger: Logger = {
    ...silentLogger,
    info: (message, attributes) => void lines.push(attributes === undefined ? [message] : [message, attributes]),
  };
  return { logger, lines };
}

const settings = (signal: Signal, logger: Logger): ComponentSettings => settingsWith({ id: "debug", signal, logger });

const config = (given: object): DebugExporterConfig => schema.parse(given);

const testdata = (file: string): string =>
  readFileSync(join(import.meta.dirname, "testdata", file), "utf8").replaceAll("\r\n", "\n");

const EXPECTED: Readonly<Record<Signal, Line>> = {
  traces: ["Traces", { "resource spans": 2, spans: 6 }],
  metrics: ["Metrics", { "resource metrics": 1, metrics: 6, "data points": 14 }],
  logs: ["Logs", { "resource logs": 1, "log records": 4 }],
};

/** Go's exponential function and V8's differ in the last digit. */
function sameBounds(text: string): string {
  return text.replace(/(?<= le)-?\d+\.\d{14,}(?==)/g, (bound) => Number(bound).toPrecision(14));
}

// testdata/*.txt is what the Collector's own debug exporter (0.159) wrote for testdata/*.json.
for (const signal of SIGNALS) {
  const bytes = decodeJson(signal, testdata(`${signal}.json`));
  for (const verbosity of ["basic", "normal", "detailed"] as const) {
    test(`${signal}, ${verbosity}: the Collector's output`, async () => {
      const { logger, lines } = recorder();
      const exporter = createExporter(settings(signal, logger), config({ verbosity }));
      await exporter.start();
      await exporter.consume({ signal, bytes });
      await exporter.shutdown();
      assert.deepEqual(lines[0], EXPECTED[signal]);
      if (verbosity === "basic") assert.equal(lines.length, 1);
      else {
        assert.deepEqual(
          lines.slice(1).map(([message]) => sameBounds(message)),
          [sameBounds(testdata(`${signal}.${verbosity}.txt`))],
        );
      }
    });
  }

  test(`${signal}: any well-formed batch can be written`, () => {
    fc.assert(
      fc.property(payloads(signal), (any) => {
        assert.ok(normalText(signal, any).endsWith("\n"));
        assert.ok(detailedText(signal, any).startsWith("Resource"));
      }),
      { numRuns: 100 },
    );
  });

  test(`${signal}: bytes that are not well-formed are a permanent error`, async () => {
    const { logger } = recorder();
    const exporter = createExporter(settings(signal, logger), config({ verbosity: "normal" }));
    await assert.rejects(exporter.consume({ signal, bytes: Uint8Array.of(0x0a, 0x05) }), (error) => {
      assert.ok(error instanceof ConsumerError && error.permanent);
      assert.match(error.message, /^the \w+ are not well-formed: /);
      return true;
    });
  });
}

test("paths: files are appended to, in the Collector's console form", async () => {
  const folder = mkdtempSync(join(tmpdir(), "otelwasm-debug-"));
  try {
    const paths = [join(folder, "a.txt"), join(folder, "b.txt")];
    const bytes = decodeJson("logs", testdata("logs.json"));
    for (let run = 0; run < 2; run++) {
      const { logger, lines } = recorder();
      const exporter = createExporter(
        settings("logs", logger),
        config({ verbosity: "normal", use_internal_logger: false, output_paths: paths }),
      );
      await exporter.start();
      await Promise.all([1, 2].map(() => exporter.consume({ signal: "logs", bytes })));
      await exporter.shutdown();
      assert.deepEqual(lines, []);
    }
    const heading = 'Logs\t{"resource logs": 1, "log records": 4}\n';
    const text = `${testdata("logs.normal.txt")}\n`;
    for (const path of paths) {
      const written = readFileSync(path, "utf8");
      assert.equal(written.split(heading).length - 1, 4);
      assert.equal(written.split(text).length - 1, 4);
      assert.equal(written.length, 4 * (heading.length + text.length));
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("paths: standard output by default", () => {
  const script = `
    import { createExporter } from ${JSON.stringify(join(import.meta.dirname, "exporter.ts"))};
    import { schema } from ${JSON.stringify(join(import.meta.dirname, "config.ts"))};
    const exporter = createExporter({ id: "debug", signal: "logs", logger: undefined, shared: new Map() }, schema.parse({ use_internal_logger: false }));
    await exporter.start();
    await exporter.consume({ signal: "logs", bytes: new Uint8Array() });
    await exporter.shutdown();`;
  const run = spawnSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" });
  assert.equal(run.stderr, "");
  assert.equal(run.stdout, 'Logs\t{"resource logs": 0, "log records": 0}\n');
});

test("a path that cannot be opened fails the start", async () => {
  const { logger } = recorder();
  const exporter = createExporter(
    settings("logs", logger),
    config({ use_internal_logger: false, output_paths: [join(import.meta.dirname, "missing", "x.txt")] }),
  );
  await assert.rejects(exporter.start(), { code: "ENOENT" });
  await exporter.shutdown();
});

test("sampling: the first of each second, then every so-many-th", async (t) => {
  t.mock.timers.enable({ apis: ["Date"], now: 0 });
  const { logger, lines } = recorder();
  const exporter = createExporter(settings("traces", logger), config({ sampling_initial: 2, sampling_thereafter: 10 }));
  const batch = { signal: "traces", bytes: buildPayload("traces", 1) } as const;
  for (let i = 0; i < 22; i++) await exporter.consume(batch);
  assert.equal(lines.length, 4, "1, 2, 12 and 22");
  t.mock.timers.setTime(1000);
  for (let i = 0; i < 3; i++) await exporter.consume(batch);
  assert.equal(lines.length, 6);
});

test("sampling: 0 is none after the first", async () => {
  const { logger, lines } = recorder();
  const exporter = createExporter(settings("traces", logger), config({ sampling_initial: 1, sampling_thereafter: 0 }));
  for (let i = 0; i < 5; i++) await exporter.consume({ signal: "traces", bytes: new Uint8Array() });
  assert.ok(lines.length >= 1 && lines.length < 5);
});

test("the configuration: the Collector's defaults, and what is refused", () => {
  assert.deepEqual(config({}), {
    verbosity: "basic",
    sampling_initial: 2,
    sampling_thereafter: 1,
    use_internal_logger: true,
    sending_queue: optionalDeliveryKeys.sending_queue.parse(undefined),
  });
  for (const wrong of [
    { verbosity: "loud" },
    { sampling_initial: -1 },
    { output_paths: ["stdout"] },
    { use_internal_logger: false, output_paths: [] },
    { colour: true },
  ])
    assert.equal(schema.safeParse(wrong).success, false, JSON.stringify(wrong));
  assert.deepEqual([debugExporter.kind, debugExporter.type, debugExporter.signals], ["exporter", "debug", SIGNALS]);
});

test("verbosity is read as the Collector reads it, in upper or lower case", () => {
  assert.equal(config({ verbosity: "Detailed" }).verbosity, "detailed");
  assert.equal(config({}).verbosity, "basic");
  assert.throws(() => config({ verbosity: "detail" }), /verbosity/);
});
