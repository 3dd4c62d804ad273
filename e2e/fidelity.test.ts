/** What this release of OTLP does not know, and what clients rarely send, comes out as it went in. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { buildAttributesPlugin } from "../examples/attributes/build.ts";
import { callGrpc, gzipped, postHttp } from "./clients.ts";
import { OUTPUTS, type Running, startCollector, throughConfig } from "./collector.ts";
import { everyField } from "./payload.ts";
import { decode, requestType, SIGNALS } from "./proto.ts";
import { type Sink, startSink } from "./sink.ts";
import { countUnknown, wireTree, withoutAttribute } from "./wire.ts";

const KEY = "inserted by the plugin";

for (const output of OUTPUTS) {
  describe(`unknown fields through ${output}`, () => {
    let sink: Sink;
    let plain: Running;
    let changing: Running;

    before(async () => {
      sink = await startSink();
      plain = await startCollector(throughConfig(output, sink));
      const actions = [{ key: KEY, value: "x", action: "insert" }];
      changing = await startCollector(
        throughConfig(output, sink, { wasm: { path: await buildAttributesPlugin(), plugin_config: { actions } } }),
      );
    });
    after(async () => {
      await Promise.all([plain?.shutdown(), changing?.shutdown()]);
      await sink?.close();
    });

    for (const signal of SIGNALS) {
      const type = requestType[signal];
      const bytes = everyField(signal, { unknownFields: true });
      const sent = wireTree(type, bytes);

      test(`${signal}: a pipeline without processors hands on the bytes`, async () => {
        sink.clear();
        assert.equal((await callGrpc(plain, signal, bytes)).code, 0);
        assert.equal((await callGrpc(plain, signal, bytes, { gzip: true })).code, 0);
        assert.equal((await postHttp(plain, signal, bytes)).status, 200);
        assert.equal((await postHttp(plain, signal, gzipped(bytes), { contentEncoding: "gzip" })).status, 200);
        assert.equal(sink.requests.length, 4);
        for (const request of sink.requests) assert.deepEqual(Buffer.from(request.raw), Buffer.from(bytes));
      });

      test(`${signal}: a plugin that inserts an attribute changes nothing else, at any depth`, async () => {
        sink.clear();
        assert.equal((await callGrpc(changing, signal, bytes)).code, 0);
        assert.equal((await postHttp(changing, signal, bytes)).status, 200);
        assert.equal(sink.requests.length, 2);
        for (const { raw } of sink.requests) {
          const received = wireTree(type, raw);
          assert.notDeepEqual(received, sent);
          assert.equal(countUnknown(type, received), countUnknown(type, sent));
          assert.deepEqual(withoutAttribute(type, received, KEY), sent);
        }
      });

      test(`${signal}: payloads put together are one payload`, async () => {
        sink.clear();
        const twice = Buffer.concat([bytes, everyField(signal, { unknownFields: false })]);
        assert.equal((await postHttp(plain, signal, twice)).status, 200);
        assert.deepEqual(sink.requests[0]?.message, decode(type, twice));
      });

      test(`${signal}: an empty request is a success`, async () => {
        sink.clear();
        assert.equal((await callGrpc(changing, signal, new Uint8Array())).code, 0);
        assert.equal((await postHttp(changing, signal, new Uint8Array())).status, 200);
        assert.equal((await postHttp(changing, signal, "{}", { contentType: "application/json" })).status, 200);
      });
    }
  });
}
