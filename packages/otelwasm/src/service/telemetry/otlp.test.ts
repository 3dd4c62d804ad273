/** Own telemetry over TLS, to another collector that wants to know who sends it. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import * as z from "zod";
import { defineExporter } from "../../component/factory.ts";
import type { Batch } from "../../telemetry/batch.ts";
import { itemsOf } from "../../telemetry/count.ts";
import { Authority } from "../../transport/testing/authority.ts";
import type { Collector } from "../collector.ts";
import { createCollector } from "../create.ts";

const folder = mkdtempSync(join(tmpdir(), "otelwasm-own-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const authority = new Authority();
const put = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};
const server = authority.issue();
const client = authority.issue({ name: "own telemetry" });
const certificate = put("ca.pem", authority.cert);
const serverTls = {
  cert_file: put("server.pem", server.cert),
  key_file: put("server.key", server.key),
  client_ca_file: certificate,
};
const clientTls = {
  certificate,
  client_certificate: put("client.pem", client.cert),
  client_key: put("client.key", client.key),
};

interface Receiving {
  readonly collector: Collector;
  readonly batches: Batch[];
  url(protocol: string): string;
}

async function receiving(): Promise<Receiving> {
  const batches: Batch[] = [];
  const keeps = defineExporter({
    kind: "exporter",
    type: "keeps",
    signals: ["metrics", "traces", "logs"],
    description: "Keeps what it gets",
    schema: z.strictObject({}),
    create: () => ({
      capabilities: { mutatesData: false },
      async start() {},
      async shutdown() {},
      async consume(batch) {
        batches.push(batch);
      },
    }),
  });
  const listen = { endpoint: "127.0.0.1:0", tls: serverTls };
  const collector = await createCollector(
    {
      receivers: { otlp: { protocols: { grpc: listen, http: listen } } },
      exporters: { keeps: {} },
      service: { pipelines: { metrics: { receivers: ["otlp"], exporters: ["keeps"] } } },
    },
    { factories: [keeps] },
  );
  await collector.start();
  return {
    collector,
    batches,
    url: (protocol) => collector.endpoints.find((each) => each.protocol === protocol)!.url,
  };
}

/** A collector that says something of itself once: when it ends. @returns the warnings of its log */
async function sendOwn(otlp: object): Promise<string[]> {
  const warnings: string[] = [];
  const logger = {
    trace() {},
    debug() {},
    info() {},
    warn: (message: string, attributes?: object) => void warnings.push(`${message} ${JSON.stringify(attributes)}`),
    error() {},
    child: () => logger,
  };
  const collector = await createCollector(
    {
      receivers: { nop: {} },
      exporters: { nop: {} },
      service: {
        telemetry: { metrics: { readers: [{ periodic: { exporter: { otlp } } }] } },
        pipelines: { logs: { receivers: ["nop"], exporters: ["nop"] } },
      },
    },
    { logger },
  );
  await collector.start();
  await collector.shutdown();
  return warnings;
}

describe("own telemetry over TLS", () => {
  for (const [protocol, listener] of [
    ["http/protobuf", "http"],
    ["grpc", "grpc"],
  ] as const) {
    test(`${protocol}: with a certificate of its own`, async () => {
      const { collector, batches, url } = await receiving();
      const endpoint = url(listener).replace(/^http:/, "https:");
      assert.deepEqual(await sendOwn({ protocol, endpoint, ...clientTls }), []);
      assert.equal(batches.length, 1);
      assert.equal(batches[0]!.signal, "metrics");
      assert.ok(itemsOf(batches[0]!) >= 3);
      await collector.shutdown();
    });

    test(`${protocol}: not to whom it does not know, and not without being known`, async () => {
      const { collector, batches, url } = await receiving();
      const { host } = new URL(url(listener));
      const stranger = put("stranger.pem", new Authority("a stranger").cert);
      for (const tls of [{}, { certificate: stranger }, { certificate }, { insecure: true }]) {
        const [warning] = await sendOwn({ protocol, endpoint: host, ...tls });
        assert.match(warning ?? "", /^Own metrics could not be exported/, JSON.stringify(tls));
      }
      assert.deepEqual(batches, []);
      await collector.shutdown();
    });
  }
});
