/**
 * Every signal, every way in, every way out: an OpenTelemetry SDK sends, the attributes plugin changes, the sink decodes. Its judgement is the same
 * telemetry sent straight to a sink, with the plugin's change made to the decoded message by hand.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { buildAttributesPlugin } from "../examples/attributes/build.ts";
import { PROTOCOLS, sendWithSdk } from "./clients.ts";
import { OUTPUTS, type Running, startCollector, throughConfig } from "./collector.ts";
import { items, type Plain, SIGNALS, type Signal } from "./proto.ts";
import { type Sink, startSink } from "./sink.ts";
import { makeTelemetry, type Telemetry } from "./telemetry.ts";

const KEY = "deployment.environment";
const VALUE = "test";

/** What the Collector's attributes processor does: insert where the key is missing, delete where it is there. */
function changeByHand(signal: Signal, request: Plain): Plain {
  const changed = structuredClone(request);
  for (const item of items(signal, changed)) {
    const kept = ((item.attributes ?? []) as Plain[]).filter(({ key }) => key !== "user.email");
    item.attributes = [...kept, { key: KEY, value: { stringValue: VALUE } }];
  }
  return changed;
}

for (const output of OUTPUTS) {
  describe(`otlp in, attributes plugin, ${output} out`, () => {
    let direct: Sink;
    let behind: Sink;
    let collector: Running;
    let telemetry: Telemetry;

    before(async () => {
      direct = await startSink();
      behind = await startSink();
      telemetry = await makeTelemetry();
      const actions = [
        { key: KEY, value: VALUE, action: "insert" },
        { key: "user.email", action: "delete" },
      ];
      collector = await startCollector(
        throughConfig(output, behind, {
          "wasm/attributes": { path: await buildAttributesPlugin(), plugin_config: { actions } },
        }),
      );
    });
    after(async () => {
      await collector?.shutdown();
      await Promise.all([direct?.close(), behind?.close()]);
    });

    for (const signal of SIGNALS) {
      for (const protocol of PROTOCOLS) {
        for (const gzip of [false, true]) {
          test(`${signal} over ${protocol}${gzip ? " with gzip" : ""}`, async () => {
            direct.clear();
            behind.clear();
            await sendWithSdk(telemetry, signal, direct, { protocol, gzip });
            await sendWithSdk(telemetry, signal, collector, { protocol, gzip });
            const [sent] = direct.requests;
            assert.equal(behind.requests.length, 1, "acknowledged means that the sink has it, once");
            const received = behind.requests[0]!;
            assert.ok(sent !== undefined && sent.items > 0);
            assert.equal(received.protocol, output === "otlp_grpc" ? "grpc" : "http");
            assert.notDeepEqual(received.message, sent.message);
            assert.deepEqual(received.message, changeByHand(signal, sent.message));
          });
        }
      }
    }
  });
}
