/** A component of the component model in a collector's pipeline, and what those are told who have not asked for one. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { processorComponent } from "../packages/otelwasm/src/plugin/testing/processor-component.ts";
import { sendWithSdk } from "./clients.ts";
import { startCollector, throughConfig } from "./collector.ts";
import { temporaryFolder } from "./guests.ts";
import { SIGNALS } from "./proto.ts";
import { startSink } from "./sink.ts";
import { makeTelemetry } from "./telemetry.ts";

describe("a component as a processor", () => {
  let path: string;
  before(async () => {
    path = join(temporaryFolder(), "component.wasm");
    writeFileSync(path, await processorComponent());
  });

  test("each batch goes on as often as the component gives it", async () => {
    await using sink = await startSink();
    const processor = { path, runtime_config: { features: { component_model: true } } };
    await using collector = await startCollector(throughConfig("otlp_http", sink, { "wasm/component": processor }));
    const telemetry = await makeTelemetry();
    for (const signal of SIGNALS) {
      sink.clear();
      await sendWithSdk(telemetry, signal, collector, { protocol: "http/protobuf", gzip: false });
      assert.equal(sink.requests.length, 2, "the component gives every batch twice");
      assert.deepEqual(sink.requests[0]!.message, sink.requests[1]!.message);
    }
  });

  test("a collector that was not told to take one does not start, and says what to set", async () => {
    await using sink = await startSink();
    await assert.rejects(
      startCollector(throughConfig("otlp_http", sink, { "wasm/component": { path } })),
      /wasm\/component.*is a component of the component model.*set runtime_config::features::component_model: true/s,
    );
  });
});
