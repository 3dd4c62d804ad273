/** The OpenTelemetry SDKs of other languages deliver through a collector: both protocols, with compression, TLS and authentication. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { needs } from "../../conformance/needs.ts";
import { CERTIFICATE, PRIVATE_KEY } from "../../packages/otelwasm/src/transport/testing/certificate.ts";
import { exporter, type Running, startCollector } from "../collector.ts";
import { temporaryFolder } from "../guests.ts";
import { items, SIGNALS } from "../proto.ts";
import { type Sink, startSink } from "../sink.ts";
import { SDK_LANGUAGES, type SdkProgram, sdkProgram } from "./programs.ts";

const folder = temporaryFolder();
const certificate = join(folder, "certificate.pem");
const key = join(folder, "key.pem");
writeFileSync(certificate, CERTIFICATE);
writeFileSync(key, PRIVATE_KEY);

const TOKEN = "a-token.with~what/is+allowed=";
const SERVER_TLS = { cert_file: certificate, key_file: key };
const TRUST = { OTEL_EXPORTER_OTLP_CERTIFICATE: certificate };
const VOUCH = { OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: certificate, OTEL_EXPORTER_OTLP_CLIENT_KEY: key };
const bearer = (token: string) => ({
  OTEL_EXPORTER_OTLP_HEADERS: `authorization=${encodeURIComponent(`Bearer ${token}`)}`,
});
const basic = (credentials: string) => ({
  OTEL_EXPORTER_OTLP_HEADERS: `authorization=${encodeURIComponent(`Basic ${btoa(credentials)}`)}`,
});

interface Way {
  readonly name: string;
  /** Of the receiver, for both protocols. */
  readonly receiver?: object;
  readonly extensions?: Readonly<Record<string, object>>;
  readonly env?: Readonly<Record<string, string>>;
  /** The same way with one thing wrong: nothing may arrive, and the SDK must say why. */
  readonly wrong?: { readonly env: Readonly<Record<string, string>>; readonly says: RegExp };
}

const UNAUTHENTICATED = /unauthenticated|401|unauthorized/i;
/** What the SDKs and their TLS libraries say of a certificate that they do not know, or of being turned away for their own. */
const NO_TRUST = /certificate|handshake|UNAVAILABLE|closed|reset|broken pipe|EOF|SSL|aborted/i;

const WAYS: readonly Way[] = [
  { name: "plainly" },
  { name: "with gzip", env: { OTEL_EXPORTER_OTLP_COMPRESSION: "gzip" } },
  {
    name: "over TLS, with gzip",
    receiver: { tls: SERVER_TLS },
    env: { ...TRUST, OTEL_EXPORTER_OTLP_COMPRESSION: "gzip" },
    wrong: { env: {}, says: NO_TRUST },
  },
  {
    name: "over TLS with a certificate of its own",
    receiver: { tls: { ...SERVER_TLS, client_ca_file: certificate } },
    env: { ...TRUST, ...VOUCH },
    wrong: { env: TRUST, says: NO_TRUST },
  },
  {
    name: "with a bearer token over TLS",
    receiver: { tls: SERVER_TLS, auth: { authenticator: "bearertokenauth" } },
    extensions: { bearertokenauth: { token: TOKEN } },
    env: { ...TRUST, ...bearer(TOKEN) },
    wrong: { env: { ...TRUST, ...bearer("another") }, says: UNAUTHENTICATED },
  },
  {
    name: "with a name and a password",
    receiver: { auth: { authenticator: "basicauth/clients" } },
    extensions: { "basicauth/clients": { htpasswd: { inline: "me:my password" } } },
    env: basic("me:my password"),
    wrong: { env: basic("me:your password"), says: UNAUTHENTICATED },
  },
];

function start(sink: Sink, { receiver = {}, extensions = {} }: Way): Promise<Running> {
  const at = { endpoint: "127.0.0.1:0", ...receiver };
  return startCollector({
    receivers: { otlp: { protocols: { grpc: at, http: at } } },
    exporters: { otlp_http: exporter("otlp_http", sink) },
    extensions,
    service: {
      extensions: Object.keys(extensions),
      pipelines: Object.fromEntries(
        SIGNALS.map((signal) => [signal, { receivers: ["otlp"], exporters: ["otlp_http"] }]),
      ),
    },
  });
}

for (const language of SDK_LANGUAGES)
  describe(`the SDK of ${language}`, needs(language), () => {
    let program: SdkProgram;
    before(async () => {
      program = await sdkProgram(language);
    });

    for (const protocol of ["grpc", "http"] as const)
      for (const way of WAYS)
        test(`${protocol}: ${way.name}`, async () => {
          await using sink = await startSink();
          await using collector = await start(sink, way);
          const url = new URL(protocol === "grpc" ? collector.grpcUrl : collector.httpUrl);
          const send = (run: string, env: Way["env"]) =>
            program.send(protocol, run, {
              OTEL_EXPORTER_OTLP_ENDPOINT: `${way.receiver !== undefined && "tls" in way.receiver ? "https" : "http"}://localhost:${url.port}`,
              ...env,
            });
          if (way.wrong !== undefined) {
            const { delivered, output } = await send("wrong", {
              OTEL_EXPORTER_OTLP_TIMEOUT: language === "go" ? "2000" : "2",
              ...way.wrong.env,
            });
            assert.ok(!delivered, output);
            assert.match(output, way.wrong.says);
            assert.equal(sink.requests.length, 0);
          }
          const { delivered, output } = await send("7", way.env);
          assert.ok(delivered, output);
          for (const [signal, count] of [
            ["traces", 3],
            ["metrics", 1],
            ["logs", 2],
          ] as const) {
            const [request, ...more] = sink.requests.filter((each) => each.signal === signal);
            assert.deepEqual(more, [], `${signal} came once`);
            assert.equal(items(signal, request!.message).length, count);
            const text = JSON.stringify(request!.message);
            assert.match(text, new RegExp(`"service.name","value":{"stringValue":"${language}"}`));
            assert.match(text, /"run","value":\{"stringValue":"7"\}/);
          }
        });
  });
