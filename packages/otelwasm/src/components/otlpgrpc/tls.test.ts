import assert from "node:assert/strict";
import { once } from "node:events";
import { createSecureServer, type Http2SecureServer, type ServerHttp2Stream } from "node:http2";
import { createServer, type Server } from "node:https";
import { afterEach, describe, test } from "node:test";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import type { Exporter } from "../../component/component.ts";
import { SINGLE_ATTEMPT } from "../../exporterhelper/testing/single.ts";
import { buildPayload } from "../../telemetry/testing/payload.ts";
import { frame } from "../../transport/grpc.ts";
import { CERTIFICATE, PRIVATE_KEY } from "../../transport/testing/certificate.ts";
import { failure, testSettings } from "../../transport/testing/support.ts";
import { otlpHttpExporter } from "../otlphttp/factory.ts";
import { otlpGrpcExporter } from "./factory.ts";

const bytes = buildPayload("logs", 5_000);
const TLS = { cert: CERTIFICATE, key: PRIVATE_KEY };
const known = getCACertificates("default");
const cleanup: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  setDefaultCACertificates(known);
  for (const each of cleanup.splice(0).reverse()) await each();
});

/** As NODE_EXTRA_CA_CERTS does. */
function trust(): void {
  setDefaultCACertificates([...known, CERTIFICATE]);
}

async function listen(server: Server | Http2SecureServer): Promise<number> {
  server.on("tlsClientError", () => undefined);
  server.listen(0, "0.0.0.0");
  await once(server, "listening");
  cleanup.push(() => void server.close());
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  return address.port;
}

async function httpsSink(received: Buffer[]): Promise<number> {
  const server = createServer(TLS, (request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      received.push(Buffer.concat(chunks));
      response.end();
    });
  });
  return await listen(server);
}

async function grpcSink(received: Buffer[]): Promise<number> {
  const server = createSecureServer(TLS);
  server.on("stream", (stream: ServerHttp2Stream) => {
    const chunks: Buffer[] = [];
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("end", () => {
      received.push(Buffer.concat(chunks));
      stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      stream.end(frame(new Uint8Array(), false));
    });
  });
  return await listen(server);
}

async function httpExporter(port: number, host = "localhost"): Promise<Exporter> {
  const config = otlpHttpExporter.schema.parse({
    endpoint: `https://${host}:${port}`,
    compression: "none",
    ...SINGLE_ATTEMPT,
  });
  const made = otlpHttpExporter.create(testSettings("otlp_http", "logs"), config);
  cleanup.push(() => made.shutdown());
  await made.start();
  return made;
}

async function grpcExporter(port: number, host = "localhost"): Promise<Exporter> {
  const config = otlpGrpcExporter.schema.parse({ endpoint: `${host}:${port}`, compression: "none", ...SINGLE_ATTEMPT });
  const made = otlpGrpcExporter.create(testSettings("otlp_grpc", "logs"), config);
  cleanup.push(() => made.shutdown());
  await made.start();
  return made;
}

for (const [name, sink, exporter, prefix] of [
  ["otlp_http", httpsSink, httpExporter, 0],
  ["otlp_grpc", grpcSink, grpcExporter, 5],
] as const) {
  describe(name, () => {
    test("delivers to who is trusted, again and again, large and small", async () => {
      trust();
      const received: Buffer[] = [];
      const target = await exporter(await sink(received));
      const small = buildPayload("logs", 1);
      for (const each of [bytes, small, bytes]) await target.consume({ signal: "logs", bytes: each });
      assert.deepEqual(
        received.map((each) => each.subarray(prefix)),
        [bytes, small, bytes].map((each) => Buffer.from(each)),
      );
    });

    test("says nothing to who is not trusted, or has another name", async () => {
      const received: Buffer[] = [];
      const port = await sink(received);
      const stranger = await failure((await exporter(port)).consume({ signal: "logs", bytes }));
      assert.match(stranger.message, /self.signed certificate/);
      assert.equal(stranger.permanent, false);
      trust();
      const other = await failure((await exporter(port, "127.0.0.2")).consume({ signal: "logs", bytes }));
      assert.match(other.message, /altnames/);
      assert.equal(received.length, 0);
    });
  });
}

test("otlp_grpc refuses a server that does not choose HTTP/2", async () => {
  trust();
  const error = await failure((await grpcExporter(await httpsSink([]))).consume({ signal: "logs", bytes }));
  assert.equal(error.permanent, false);
  assert.match(error.message, /does not speak HTTP\/2|alert|no application protocol/i);
});
