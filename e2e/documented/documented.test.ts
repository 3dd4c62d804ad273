/**
 * Configurations from the documentation of the Collector's components, as they stand there: what is read, is started, carries telemetry, and stops. `--set` moves
 * only what belongs to a machine: its addresses and its files.
 */
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { CERTIFICATE, PRIVATE_KEY } from "../../packages/otelwasm/src/transport/testing/certificate.ts";
import { sendWithSdk } from "../clients.ts";
import { temporaryFolder } from "../guests.ts";
import { NO_METRICS, type Program, runProgram } from "../process.ts";
import { SIGNALS, type Signal } from "../proto.ts";
import { type Sink, startSink } from "../sink.ts";
import { makeTelemetry } from "../telemetry.ts";

const HERE = fileURLToPath(new URL("./", import.meta.url));
const COMMAND = "packages/otelwasm/bin/otelwasm.js";
const ANY = "127.0.0.1:0";

interface Place {
  readonly folder: string;
  readonly sink: Sink;
}

interface Document {
  /** What is the machine's, as `--set` takes it. */
  readonly machine: (place: Place) => Readonly<Record<string, string>>;
  readonly env?: (place: Place) => Readonly<Record<string, string>>;
  /** Its first receiver takes these; so often each has to come out at the sink. Absent: it has no receiver that can be reached without what only its writer has. */
  readonly send?: { readonly signals: readonly Signal[]; readonly copies: number; readonly protocol?: "grpc" };
  /** It names a folder that has to be there for it to be valid. */
  readonly folders?: true;
  /** What has to be printed by then. */
  readonly prints?: RegExp;
}

const grpc = (id = "otlp") => ({ [`receivers.${id}.protocols.grpc.endpoint`]: ANY });
const http = (id = "otlp") => ({ [`receivers.${id}.protocols.http.endpoint`]: ANY });
const hostOf = (url: string): string => new URL(url).host;

const DOCUMENTS: Readonly<Record<string, Document>> = {
  "otlp-receiver": {
    machine: () => ({ ...grpc(), ...http(), ...http("otlp/cors") }),
    send: { signals: ["traces"], copies: 0 },
    prints: /Traces.*"spans": 3/,
  },
  tls: {
    machine: ({ folder, sink }) => ({
      ...grpc(),
      ...grpc("otlp/mtls"),
      ...grpc("otlp/notls"),
      "receivers.otlp.protocols.grpc.tls.cert_file": join(folder, "certificate.pem"),
      "receivers.otlp.protocols.grpc.tls.key_file": join(folder, "key.pem"),
      "receivers.otlp/mtls.protocols.grpc.tls.client_ca_file": join(folder, "certificate.pem"),
      "receivers.otlp/mtls.protocols.grpc.tls.cert_file": join(folder, "certificate.pem"),
      "receivers.otlp/mtls.protocols.grpc.tls.key_file": join(folder, "key.pem"),
      "exporters.otlp.endpoint": "localhost:1",
      "exporters.otlp.tls.ca_file": join(folder, "certificate.pem"),
      "exporters.otlp.tls.cert_file": join(folder, "certificate.pem"),
      "exporters.otlp.tls.key_file": join(folder, "key.pem"),
      "exporters.otlp/insecure.endpoint": hostOf(sink.grpcUrl),
      "exporters.otlp/secure_no_verify.endpoint": "localhost:1",
    }),
  },
  "otlp-exporters": {
    machine: ({ folder }) => ({
      ...grpc(),
      "exporters.otlp_grpc.tls.cert_file": join(folder, "certificate.pem"),
      "exporters.otlp_grpc.tls.key_file": join(folder, "key.pem"),
    }),
  },
  batch: {
    machine: () => grpc(),
    send: { signals: ["traces"], copies: 0, protocol: "grpc" },
    prints: /Traces.*"spans": 3/,
  },
  "memory-limiter": {
    machine: () => grpc(),
    send: { signals: ["traces", "metrics"], copies: 0, protocol: "grpc" },
    prints: /Traces.*"spans": 3[\s\S]*Metrics/,
  },
  forward: {
    machine: () => ({ ...grpc("otlp/blue"), ...http("otlp/green") }),
    send: { signals: ["logs"], copies: 0 },
    prints: /Logs.*"log records"/,
  },
  "health-check": {
    machine: ({ folder }) => ({
      "extensions.health_check.endpoint": ANY,
      "extensions.health_check/1.endpoint": ANY,
      "extensions.health_check/1.tls.cert_file": join(folder, "certificate.pem"),
      "extensions.health_check/1.tls.key_file": join(folder, "key.pem"),
    }),
  },
  "file-storage": {
    folders: true,
    machine: ({ folder }) => ({
      "extensions.file_storage.directory": join(folder, "one"),
      "extensions.file_storage/all_settings.directory": join(folder, "two"),
    }),
  },
  "persistent-queue": {
    folders: true,
    machine: ({ folder }) => ({
      ...grpc(),
      "extensions.file_storage/otc.directory": join(folder, "one"),
      "exporters.otlp_grpc.tls.insecure": "true",
    }),
    env: ({ sink }) => ({ ENDPOINT: hostOf(sink.grpcUrl) }),
    send: { signals: SIGNALS, copies: 1, protocol: "grpc" },
  },
  basicauth: {
    machine: ({ folder }) => ({
      ...http(),
      "extensions.basicauth/server.htpasswd.file": join(folder, "htpasswd"),
    }),
    env: () => ({ BASIC_AUTH_USERNAME: "user", BASIC_AUTH_PASSWORD: "word" }),
  },
  bearertokenauth: {
    machine: ({ folder }) => ({
      ...grpc(),
      "extensions.bearertokenauth.filename": join(folder, "htpasswd"),
      "exporters.otlp/withauth.tls.ca_file": join(folder, "certificate.pem"),
    }),
  },
  "debug-and-file": {
    machine: ({ folder }) => ({
      ...grpc(),
      "exporters.file.path": join(folder, "file"),
      "exporters.file/2.path": join(folder, "file-2"),
      "exporters.file/3.path": join(folder, "file-3"),
    }),
    send: { signals: ["traces"], copies: 0, protocol: "grpc" },
    prints: /ResourceSpans #0[\s\S]*ScopeSpans #0[\s\S]*Span #0/,
  },
  telemetry: {
    machine: ({ sink }) => ({
      ...grpc(),
      "service.telemetry.metrics.readers": JSON.stringify([
        { periodic: { interval: 60_000, exporter: { otlp: { protocol: "http/protobuf", endpoint: sink.httpUrl } } } },
        { pull: { exporter: { prometheus: { host: "127.0.0.1", port: 0 } } } },
      ]),
      "service.telemetry.traces.processors": JSON.stringify([
        { batch: { exporter: { otlp: { protocol: "http/protobuf", endpoint: sink.httpUrl } } } },
      ]),
    }),
    send: { signals: ["traces"], copies: 0, protocol: "grpc" },
    prints: /"service": ?"collector"/,
  },
};

test("every configuration here is run", () => {
  const files = readdirSync(HERE).flatMap((name) => (name.endsWith(".yaml") ? [name.slice(0, -".yaml".length)] : []));
  assert.deepEqual(files.sort(), Object.keys(DOCUMENTS).sort());
});

async function place(): Promise<Place & AsyncDisposable> {
  const folder = temporaryFolder();
  for (const name of ["one", "two"]) mkdirSync(join(folder, name));
  writeFileSync(join(folder, "certificate.pem"), CERTIFICATE);
  writeFileSync(join(folder, "key.pem"), PRIVATE_KEY);
  writeFileSync(join(folder, "htpasswd"), "someone:else\n");
  const sink = await startSink();
  return { folder, sink, [Symbol.asyncDispose]: () => sink.close() };
}

function setsOf({ machine }: Document, there: Place): string[] {
  return Object.entries(machine(there)).flatMap(([key, value]) => ["--set", `${key}=${value}`]);
}

function run(name: string, args: readonly string[], env: Readonly<Record<string, string>>): Program {
  return runProgram([COMMAND, ...args, "--config", join(HERE, `${name}.yaml`)], { env });
}

for (const [name, document] of Object.entries(DOCUMENTS))
  describe(name, () => {
    test("is valid as it stands", async () => {
      await using there = await place();
      const machine = document.folders ? setsOf(document, there) : [];
      await using program = run(name, ["validate", ...machine], document.env?.(there) ?? {});
      assert.equal(await program.exit, 0, program.output);
    });

    test("runs, carries, stops", async () => {
      await using there = await place();
      const metrics = name === "telemetry" ? [] : NO_METRICS;
      await using program = run(name, [...setsOf(document, there), ...metrics], document.env?.(there) ?? {});
      await program.waitFor(/Everything is ready/);
      if (document.send !== undefined) {
        const { signals, copies, protocol } = document.send;
        const url = (wanted: string) =>
          new RegExp(`Listening for ${wanted} on (http://\\S+)`).exec(program.output)?.[1] ?? "";
        const telemetry = await makeTelemetry();
        const target = { grpcUrl: url("grpc"), httpUrl: url("http") };
        for (const signal of signals)
          await sendWithSdk(telemetry, signal, target, { protocol: protocol ?? "http/protobuf" });
        if (copies > 0) await there.sink.waitForRequests(copies * signals.length);
      }
      if (document.prints !== undefined) await program.waitFor(document.prints);
      program.child.kill("SIGTERM");
      assert.equal(await program.exit, 0, program.output);
    });
  });
