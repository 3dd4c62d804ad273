// The OTLP receiver wired straight to an exporter: what transport alone costs. For benchmarks and profiles only.
//
//   node --conditions=otelwasm-source benchmarks/forward.ts http|grpc [none|gzip]
//
// Listens on 127.0.0.1:4318 (HTTP) or 4317 (gRPC), sends to 127.0.0.1:5318 or 5317.
import type { Consumer, Exporter, Receiver } from "../packages/otelwasm/src/component/component.ts";
import type { ExporterFactory } from "../packages/otelwasm/src/component/factory.ts";
import { settingsWith } from "../packages/otelwasm/src/component/testing/settings.ts";
import { otlpReceiver } from "../packages/otelwasm/src/components/otlp/factory.ts";
import { otlpGrpcExporter } from "../packages/otelwasm/src/components/otlpgrpc/factory.ts";
import { otlpHttpExporter } from "../packages/otelwasm/src/components/otlphttp/factory.ts";
import { SIGNALS } from "../packages/otelwasm/src/telemetry/batch.ts";

const protocol = process.argv[2] ?? "http";
const compression = process.argv[3] ?? "none";
if (protocol !== "http" && protocol !== "grpc") throw new Error(`the protocol is http or grpc, not ${protocol}`);

const grpc = protocol === "grpc";
const target: ExporterFactory = grpc ? otlpGrpcExporter : otlpHttpExporter;
const single = { retry_on_failure: { enabled: false }, sending_queue: { enabled: false } };
const exporterConfig = target.schema.parse(
  grpc
    ? { endpoint: "127.0.0.1:5317", tls: { insecure: true }, compression, ...single }
    : { endpoint: "http://127.0.0.1:5318", compression, ...single },
);
const receiverConfig = otlpReceiver.schema.parse({
  protocols: grpc
    ? { grpc: { endpoint: "127.0.0.1:4317", max_recv_msg_size_mib: 16 } }
    : { http: { endpoint: "127.0.0.1:4318" } },
});

const shared = new Map<string, unknown>();
const exporters: Exporter[] = [];
const receivers: Receiver[] = [];
for (const signal of SIGNALS) {
  const exporter = target.create(settingsWith({ id: target.type, signal, shared }), exporterConfig);
  const next: Consumer = exporter;
  exporters.push(exporter);
  receivers.push(otlpReceiver.create(settingsWith({ id: "otlp", signal, shared }), receiverConfig, next));
}
for (const component of [...exporters, ...receivers]) await component.start();

async function stop(): Promise<void> {
  await Promise.all(receivers.map((receiver) => receiver.shutdown()));
  await Promise.all(exporters.map((exporter) => exporter.shutdown()));
  process.exit(0);
}
process.on("SIGTERM", stop);
process.on("SIGINT", stop);
