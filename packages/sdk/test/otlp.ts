// OTLP through a generic protobuf library: what the guest's results are compared with.
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import protobuf from "protobufjs";

const root = new protobuf.Root();
const proto = fileURLToPath(new URL("../../../proto", import.meta.url));
root.resolvePath = (_origin, target) => join(proto, target);
await root.load(["trace", "metrics", "logs"].map((name) => `opentelemetry/proto/${name}/v1/${name}.proto`));

export const TracesData: protobuf.Type = root.lookupType("opentelemetry.proto.trace.v1.TracesData");
export const MetricsData: protobuf.Type = root.lookupType("opentelemetry.proto.metrics.v1.MetricsData");
export const LogsData: protobuf.Type = root.lookupType("opentelemetry.proto.logs.v1.LogsData");

/** A batch as a plain object: 64 bit numbers as texts, bytes as base64, only what is there. */
export function decode(type: protobuf.Type, bytes: Uint8Array): Record<string, unknown> {
  return type.toObject(type.decode(bytes), { longs: String, bytes: String });
}
