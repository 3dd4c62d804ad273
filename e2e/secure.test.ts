/**
 * TLS, authentication and what else stands between a client and a receiver: the OpenTelemetry SDK as client, and the examples of the Collector's own pages,
 * word for word; what they leave out (where to listen and where to send) comes from a second configuration file and from `--set`.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { createServer } from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { validateConfig } from "otelwasm";
import { Authority, type Issued } from "../packages/otelwasm/src/transport/testing/authority.ts";
import { PROTOCOLS, type SendOptions, sendWithSdk, type Target } from "./clients.ts";
import { exporter, startCollector } from "./collector.ts";
import { temporaryFolder } from "./guests.ts";
import { NO_METRICS, runOtelwasm } from "./process.ts";
import { SIGNALS } from "./proto.ts";
import { type Sink, startSink } from "./sink.ts";
import { makeTelemetry, type Telemetry } from "./telemetry.ts";

const authority = new Authority();
const server = authority.issue();
const client = authority.issue({ name: "client" });
const trust = { ca: authority.cert };
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString("base64")}` });

let sink: Sink;
let telemetry: Telemetry;
before(async () => {
  sink = await startSink();
  telemetry = await makeTelemetry();
});
after(() => sink?.close());

/** What a client's SDK says of an export: `ok`, or its error's code. */
async function sent(target: Target, options: SendOptions): Promise<unknown> {
  return await sendWithSdk(telemetry, "traces", target, { timeoutMs: 5_000, ...options }).then(
    () => "ok",
    (error: unknown) => (typeof error === "object" && error !== null && "code" in error ? error.code : error),
  );
}

const UNAUTHENTICATED = 16;

test("an SDK, a collector, another collector, a sink: mTLS and a token on each way", async () => {
  const folder = temporaryFolder();
  const put = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const files = (name: string, { cert, key }: Issued) => ({
    cert_file: put(`${name}.crt`, cert),
    key_file: put(`${name}.key`, key),
  });
  const ca_file = put("ca.crt", authority.cert);
  const tls = { ...files("server", server), client_ca_file: ca_file };
  const secure = (authenticator: string) => {
    const own = { endpoint: "127.0.0.1:0", tls, auth: { authenticator } };
    return { otlp: { protocols: { grpc: own, http: own } } };
  };
  const pipelines = (output: string) =>
    Object.fromEntries(SIGNALS.map((signal) => [signal, { receivers: ["otlp"], exporters: [output] }]));
  await using second = await startCollector({
    extensions: { bearertokenauth: { token: "between" } },
    receivers: secure("bearertokenauth"),
    exporters: { otlp_grpc: exporter("otlp_grpc", sink) },
    service: { extensions: ["bearertokenauth"], pipelines: pipelines("otlp_grpc") },
  });
  for (const output of ["otlp_grpc", "otlp_http"] as const) {
    const { grpcUrl, httpUrl } = second;
    await using first = await startCollector({
      extensions: { "bearertokenauth/in": { tokens: ["one", "two"] }, "bearertokenauth/out": { token: "between" } },
      receivers: secure("bearertokenauth/in"),
      exporters: {
        [output]: {
          ...exporter(output, second),
          endpoint: output === "otlp_grpc" ? new URL(grpcUrl).host : httpUrl,
          tls: { ca_file, ...files("client", client) },
          auth: { authenticator: "bearertokenauth/out" },
        },
      },
      service: { extensions: ["bearertokenauth/in", "bearertokenauth/out"], pipelines: pipelines(output) },
    });
    // grpc-js cannot verify the name of an address.
    const target = { grpcUrl: first.grpcUrl.replace("127.0.0.1", "localhost"), httpUrl: first.httpUrl };
    for (const protocol of PROTOCOLS) {
      for (const gzip of [false, true]) {
        const options = { protocol, gzip, tls: { ...trust, ...client }, timeoutMs: 15_000 };
        for (const signal of SIGNALS) {
          sink.clear();
          await sendWithSdk(telemetry, signal, target, { ...options, headers: bearer("two") });
          assert.equal(sink.requests.length, 1);
        }
        sink.clear();
        const refused = protocol === "grpc" ? UNAUTHENTICATED : 401;
        assert.equal(await sent(target, { ...options, headers: bearer("three") }), refused);
        assert.equal(await sent(target, options), refused);
        assert.notEqual(await sent(target, { protocol, tls: trust, timeoutMs: 500, headers: bearer("two") }), "ok");
        assert.equal(sink.requests.length, 0);
      }
    }
  }
});

test("a reload brings another certificate and another token, on the same ports, and nobody is turned away", async () => {
  const probe = createServer().listen(0, "127.0.0.1");
  const other = createServer().listen(0, "127.0.0.1");
  const ports = await Promise.all(
    [probe, other].map(async (each) => {
      await once(each, "listening");
      const address = each.address();
      assert.ok(typeof address === "object" && address !== null);
      await new Promise((resolve) => each.close(resolve));
      return address.port;
    }),
  );
  const config = ({ cert, key }: Issued, token: string) => {
    const own = (port: number | undefined) => ({
      endpoint: `127.0.0.1:${port}`,
      tls: { cert_pem: cert, key_pem: key },
      auth: { authenticator: "bearertokenauth" },
    });
    return {
      extensions: { bearertokenauth: { token } },
      receivers: { otlp: { protocols: { grpc: own(ports[0]), http: own(ports[1]) } } },
      exporters: { otlp_grpc: exporter("otlp_grpc", sink) },
      service: {
        extensions: ["bearertokenauth"],
        pipelines: { traces: { receivers: ["otlp"], exporters: ["otlp_grpc"] } },
      },
    };
  };
  await using running = await startCollector(config(server, "one"));
  const target = { grpcUrl: `https://localhost:${ports[0]}`, httpUrl: `https://127.0.0.1:${ports[1]}` };
  const later = new Authority("a later authority");
  for (const [authorityNow, token, before] of [
    [authority, "one", "two"],
    [later, "two", "one"],
  ] as const) {
    if (authorityNow === later) await running.collector.reload(config(later.issue(), "two"));
    for (const protocol of PROTOCOLS) {
      const options = { protocol, tls: { ca: authorityNow.cert } };
      assert.equal(await sent(target, { ...options, headers: bearer(token) }), "ok");
      assert.notEqual(await sent(target, { ...options, headers: bearer(before) }), "ok");
    }
  }
});

test("validate finds an authenticator that is not there, or is of the other kind", async () => {
  const config = (extensions: object, protocol: string) => ({
    extensions,
    receivers: { otlp: { protocols: { [protocol]: { auth: { authenticator: "basicauth/x" } } } } },
    exporters: { nop: {} },
    service: { extensions: Object.keys(extensions), pipelines: { logs: { receivers: ["otlp"], exporters: ["nop"] } } },
  });
  for (const protocol of ["grpc", "http"]) {
    const where = `receivers::otlp::protocols::${protocol}::auth::authenticator`;
    const [missing] = await validateConfig(config({}, protocol));
    assert.ok(missing?.includes(`${where}: failed to resolve authenticator "basicauth/x": authenticator not found`));
    const other = config({ "basicauth/x": { client_auth: { username: "a", password: "b" } } }, protocol);
    const [wrong] = await validateConfig(other);
    assert.ok(wrong?.includes(`${where}: "basicauth/x" is not a server authenticator`));
  }
});

/** An example of the Collector's documentation. */
interface Documented {
  readonly name: string;
  /** As it stands there. */
  readonly example: string;
  /** Files beside it. */
  readonly files?: Readonly<Record<string, string>>;
  /** Beside the example: receivers and extensions that the pipeline uses. */
  readonly receiver?: string;
  readonly extensions?: readonly string[];
  /** Where it would listen or send otherwise, and what the example leaves to its reader. */
  readonly sets?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly check: (target: Target) => Promise<void>;
}

const SERVER_FILES = { "server.crt": server.cert, "server.key": server.key, "client.pem": authority.cert };
const TLS_EXAMPLE = `
receivers:
  otlp:
    protocols:
      grpc:
        endpoint: mysite.local:55690
        tls:
          cert_file: server.crt
          key_file: server.key
  otlp/mtls:
    protocols:
      grpc:
        endpoint: mysite.local:55690
        tls:
          client_ca_file: client.pem
          cert_file: server.crt
          key_file: server.key
  otlp/notls:
    protocols:
      grpc:
        endpoint: mysite.local:55690
`;

const EXAMPLES: readonly Documented[] = [
  {
    name: "config/configtls: a server's certificate",
    example: TLS_EXAMPLE,
    files: SERVER_FILES,
    sets: ["receivers.otlp.protocols.grpc.endpoint=127.0.0.1:0"],
    check: async (target) => assert.equal(await sent(target, { protocol: "grpc", tls: trust }), "ok"),
  },
  {
    name: "config/configtls: clients with certificates",
    example: TLS_EXAMPLE,
    files: SERVER_FILES,
    receiver: "otlp/mtls",
    sets: ["receivers.otlp/mtls.protocols.grpc.endpoint=127.0.0.1:0"],
    check: async (target) => {
      assert.equal(await sent(target, { protocol: "grpc", tls: { ...trust, ...client } }), "ok");
      assert.notEqual(await sent(target, { protocol: "grpc", tls: trust, timeoutMs: 500 }), "ok");
    },
  },
  {
    name: "receiver/otlpreceiver: CORS",
    example: `
receivers:
  otlp:
    protocols:
      http:
        endpoint: "localhost:4318"
        cors:
          allowed_origins:
            - http://test.com
            # Origins can have wildcards with *, use * by itself to match any origin.
            - https://*.example.com
          allowed_headers:
            - Example-Header
          max_age: 7200
`,
    sets: ["receivers.otlp.protocols.http.endpoint=127.0.0.1:0"],
    check: async ({ httpUrl }) => {
      const answer = await new Promise<{ statusCode?: number | undefined; headers: object }>((resolve, reject) =>
        request(`${httpUrl}/v1/traces`, {
          method: "OPTIONS",
          headers: {
            origin: "https://app.example.com",
            "access-control-request-method": "POST",
            "access-control-request-headers": "content-type,example-header",
          },
        })
          .on("response", (response) => resolve(response.resume()))
          .on("error", reject)
          .end(),
      );
      assert.equal(answer.statusCode, 204);
      const headers = new Map(Object.entries(answer.headers));
      assert.equal(headers.get("access-control-allow-origin"), "https://app.example.com");
      assert.equal(headers.get("access-control-allow-headers"), "content-type,example-header");
      assert.equal(headers.get("access-control-max-age"), "7200");
    },
  },
  {
    name: "config/confighttp: a server",
    example: `
extensions:
  bearertokenauth:
    token: "somerandomtoken"
receivers:
  otlp:
    protocols:
      http:
        include_metadata: true
        auth:
          request_params:
          - token
          authenticator: some-authenticator-extension
        cors:
          allowed_origins:
            - https://foo.bar.com
            - https://*.test.com
          allowed_headers:
            - Example-Header
          exposed_headers:
            - Example-Expose-Header
          max_age: 7200
        endpoint: 0.0.0.0:55690
        compression_algorithms: ["", "gzip"]
`,
    extensions: ["bearertokenauth"],
    sets: [
      "receivers.otlp.protocols.http.endpoint=127.0.0.1:0",
      "receivers.otlp.protocols.http.auth.authenticator=bearertokenauth",
    ],
    check: async (target) => {
      const options = { protocol: "http/protobuf", gzip: true } as const;
      assert.equal(await sent(target, { ...options, headers: bearer("somerandomtoken") }), "ok");
      assert.equal(await sent(target, options), 401);
    },
  },
  {
    name: "extension/bearertokenauth",
    example: `
extensions:
  bearertokenauth:
    token: "somerandomtoken"
    filename: "file-containing.token"
  bearertokenauth/withscheme:
    scheme: "Bearer"
    token: "randomtoken"
  bearertokenauth/multipletokens:
    scheme: "Bearer"
    tokens:
      - "randomtoken"
      - "thistokenalsoworks"
receivers:
  otlp:
    protocols:
      grpc:
`,
    files: { "file-containing.token": "filetoken # of a program\n" },
    extensions: ["bearertokenauth", "bearertokenauth/withscheme", "bearertokenauth/multipletokens"],
    sets: [
      "receivers.otlp.protocols.grpc.endpoint=127.0.0.1:0",
      "receivers.otlp.protocols.grpc.auth.authenticator=bearertokenauth/multipletokens",
      "receivers.otlp.protocols.http.endpoint=127.0.0.1:0",
      "receivers.otlp.protocols.http.auth.authenticator=bearertokenauth",
    ],
    check: async (target) => {
      const grpc = { protocol: "grpc" } as const;
      for (const token of ["randomtoken", "thistokenalsoworks"])
        assert.equal(await sent(target, { ...grpc, headers: bearer(token) }), "ok");
      assert.equal(await sent(target, { ...grpc, headers: bearer("filetoken") }), UNAUTHENTICATED);
      const http = { protocol: "http/json" } as const;
      assert.equal(await sent(target, { ...http, headers: bearer("filetoken") }), "ok");
      assert.equal(await sent(target, { ...http, headers: bearer("somerandomtoken") }), 401);
    },
  },
  {
    name: "extension/basicauth",
    example: `
extensions:
  basicauth/server:
    htpasswd: 
      file: .htpasswd
      inline: |
        \${env:BASIC_AUTH_USERNAME}:\${env:BASIC_AUTH_PASSWORD}
  
  basicauth/client:
    client_auth: 
      username: username
      password: password

receivers:
  otlp:
    protocols:
      http:
        auth:
          authenticator: basicauth/server
`,
    files: { ".htpasswd": "bcrypt:$2a$05$tBHRSS66h4nY9LZprkRCZuhpI3z4Xw9Jn17zqs11GdTAhZj3LLuO2\n" },
    env: { BASIC_AUTH_USERNAME: "user", BASIC_AUTH_PASSWORD: "pass:word" },
    extensions: ["basicauth/server", "basicauth/client"],
    sets: ["receivers.otlp.protocols.http.endpoint=127.0.0.1:0"],
    check: async (target) => {
      const http = { protocol: "http/protobuf" } as const;
      for (const each of ["user:pass:word", "bcrypt:secret"])
        assert.equal(await sent(target, { ...http, headers: basic(each) }), "ok");
      assert.equal(await sent(target, { ...http, headers: basic("username:password") }), 401);
    },
  },
];

describe("as the Collector's documentation has it", () => {
  for (const { name, example, files = {}, receiver = "otlp", extensions = [], sets = [], env, check } of EXAMPLES) {
    test(name, async () => {
      const folder = temporaryFolder();
      mkdirSync(folder, { recursive: true });
      for (const [file, text] of Object.entries({ ...files, "example.yaml": example }))
        writeFileSync(join(folder, file), text);
      const rest = {
        exporters: { otlp_grpc: exporter("otlp_grpc", sink) },
        service: { extensions, pipelines: { traces: { receivers: [receiver], exporters: ["otlp_grpc"] } } },
      };
      const settings = sets.flatMap((set) => ["--set", set]);
      const args = ["--config", "example.yaml", "--config", `yaml:${JSON.stringify(rest)}`, ...settings];
      await using collector = runOtelwasm(undefined, [...args, ...NO_METRICS], { cwd: folder, ...(env && { env }) });
      await collector.waitFor(/Everything is ready/);
      const url = (kind: string): string => {
        const found = new RegExp(`Starting ${kind} server.*?(127\\.0\\.0\\.1:\\d+)`).exec(collector.output)?.[1];
        const scheme = name.startsWith("config/configtls") ? "https" : "http";
        return `${scheme}://${(found ?? "nowhere:1").replace("127.0.0.1", "localhost")}`;
      };
      sink.clear();
      await check({ grpcUrl: url("GRPC"), httpUrl: url("HTTP") });
      collector.child.kill("SIGTERM");
      assert.equal(await collector.exit, 0, collector.output);
    });
  }
});
