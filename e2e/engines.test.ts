/** The same plugin, the same batches, on every engine, through the whole collector: the same bytes arrive. */
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { buildGuest } from "../conformance/build.ts";
import { needs } from "../conformance/needs.ts";
import { buildAttributesPlugin } from "../examples/attributes/build.ts";
import { BUILT_IN } from "../packages/otelwasm/src/runtime/engines.ts";
import { needsEngine } from "../packages/otelwasm/src/runtime/testing/engines.ts";
import { postHttp } from "./clients.ts";
import { startCollector, throughConfig } from "./collector.ts";
import { everyField } from "./payload.ts";
import { SIGNALS, type Signal } from "./proto.ts";
import { startSink } from "./sink.ts";

const ACTIONS = [
  { key: "processed.by", action: "insert", value: "attributes" },
  { key: "http.url", action: "hash" },
  { key: "string", action: "update", value: [1, "two", { three: 3.5 }] },
];

/** What tells one plugin from another: how it is had, and what it is told. */
interface Subject {
  readonly name: string;
  readonly needs: { readonly skip?: string };
  path(): Promise<string>;
  readonly config: object;
}

const SUBJECTS: readonly Subject[] = [
  { name: "AssemblyScript", needs: {}, path: () => buildAttributesPlugin(), config: { actions: ACTIONS } },
  { name: "Go", needs: needs("go"), path: () => buildGuest("go-processor"), config: { mark: "seen" } },
  { name: "Rust", needs: needs("rust"), path: () => buildGuest("rust-processor"), config: { mark: "seen" } },
];

/** Batches that clients send: of one item with every field, of many, of none. */
function batches(signal: Signal): Uint8Array[] {
  const one = everyField(signal, { unknownFields: false });
  // Two messages, one after the other, are one message with the items of both.
  return [one, Buffer.concat(Array.from({ length: 20 }, () => one)), new Uint8Array(0)];
}

/** What arrives, in the order in which it was sent. */
async function through(engine: string, path: string, pluginConfig: object): Promise<Buffer[]> {
  await using sink = await startSink();
  const processor = {
    path,
    plugin_config: pluginConfig,
    runtime_config: { type: engine },
    // Some compile for long.
    limits: { start_timeout: "240s", call_timeout: "60s" },
  };
  await using running = await startCollector(throughConfig("otlp_http", sink, { "wasm/same": processor }));
  for (const signal of SIGNALS)
    for (const batch of batches(signal)) {
      const { status } = await postHttp(running, signal, batch);
      assert.equal(status, 200, `${engine}: ${signal}`);
    }
  return sink.requests.map(({ raw }) => Buffer.from(raw));
}

for (const subject of SUBJECTS)
  describe(`a processor in ${subject.name} gives the same bytes`, subject.needs, () => {
    let path = "";
    let expected: Buffer[] = [];
    before(async () => {
      path = await subject.path();
      expected = await through("v8", path, subject.config);
      assert.ok(expected.length >= SIGNALS.length * 2);
    });

    for (const engine of BUILT_IN.filter((type) => type !== "v8"))
      test(`on ${engine}`, needsEngine(engine), async () => {
        const found = await through(engine, path, subject.config);
        assert.equal(found.length, expected.length);
        for (const [index, bytes] of found.entries()) assert.ok(bytes.equals(expected[index]!), `request ${index}`);
      });
  });
