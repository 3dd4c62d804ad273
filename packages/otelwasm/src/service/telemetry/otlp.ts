import { createNoopMeter } from "@opentelemetry/api";
import * as z from "zod";
import type { Exporter } from "../../component/component.ts";
import type { ExporterFactory } from "../../component/factory.ts";
import type { Logger } from "../../component/logger.ts";
import { otlpGrpcExporter } from "../../components/otlpgrpc/factory.ts";
import { otlpHttpExporter } from "../../components/otlphttp/factory.ts";
import { secret } from "../../config/values.ts";
import type { Signal } from "../../telemetry/batch.ts";
import { headers } from "../../transport/exporting.ts";
import { OTLP } from "../../transport/otlp.ts";

/** Where own telemetry of one signal goes: an exporter of the pipelines' kind, and its checked configuration. */
export interface OtlpTarget {
  readonly signal: Signal;
  readonly factory: ExporterFactory;
  readonly config: unknown;
}

/** A time of the declarative configuration. */
export function milliseconds(): z.ZodInt {
  return z.int({
    error: ({ input }) =>
      typeof input === "string"
        ? "must be a number of milliseconds, without a unit, as the Collector has it here"
        : undefined,
  });
}

/** One of the Collector's that this version does not have in another way than its default. */
function only<T extends string>(value: T, what: string): z.ZodOptional<z.ZodLiteral<T>> {
  return z.literal(value, { error: `${what} other than ${value} is not supported in this version` }).optional();
}

/**
 * `exporter::otlp` of own telemetry: OpenTelemetry's declarative configuration, 0.3, as the Collector has it
 * (https://github.com/open-telemetry/opentelemetry-configuration). Times are whole milliseconds there.
 */
export function otlpSchema(signal: Signal): z.ZodType<OtlpTarget> {
  return z
    .strictObject({
      protocol: z.enum(["http/protobuf", "grpc"]),
      /** Over HTTP, its path replaces `/v1/<signal>` if it has one. */
      endpoint: z.string().min(1).optional(),
      headers: headers(),
      headers_list: secret(z.string()).optional(),
      /** Of an endpoint without a scheme: whether it is `http://`. */
      insecure: z.boolean().default(false),
      compression: z.enum(["gzip", "none"]).default("none"),
      timeout: milliseconds().min(1).default(10_000),
      certificate: z.string().optional(),
      client_certificate: z.string().optional(),
      client_key: z.string().optional(),
      temporality_preference: only("cumulative", "a temporality"),
      default_histogram_aggregation: only("explicit_bucket_histogram", "an aggregation of histograms"),
    })
    .transform((given, context): OtlpTarget => {
      const grpc = given.protocol === "grpc";
      const factory = grpc ? otlpGrpcExporter : otlpHttpExporter;
      const url = urlOf(given.endpoint ?? (grpc ? "http://localhost:4317" : "http://localhost:4318"), given.insecure);
      if (url === undefined) {
        const message = `${JSON.stringify(given.endpoint)} is not a URL, for example "https://otel:4318"`;
        context.addIssue({ code: "custom", path: ["endpoint"], message });
        return z.NEVER;
      }
      const listed = listOf(given.headers_list);
      if (listed === undefined) {
        context.addIssue({ code: "custom", path: ["headers_list"], message: "is not a list of name=value" });
        return z.NEVER;
      }
      const { certificate, client_certificate, client_key, compression, timeout } = given;
      const tls = {
        ...(grpc ? { insecure: url.protocol === "http:" } : {}),
        ...(certificate === undefined ? {} : { ca_file: certificate }),
        ...(client_certificate === undefined ? {} : { cert_file: client_certificate }),
        ...(client_key === undefined ? {} : { key_file: client_key }),
      };
      if (!grpc && url.pathname === "/") url.pathname = OTLP[signal].httpPath;
      const checked = factory.schema.safeParse({
        ...(grpc ? { endpoint: hostPort(url) } : { [`${signal}_endpoint`]: url.href }),
        ...(Object.keys(tls).length === 0 ? {} : { tls }),
        headers: { ...listed, ...given.headers },
        timeout: `${timeout}ms`,
        compression,
        // What cannot be delivered now is no longer of interest when it could be: each metric comes again, and senders of the others wait themselves.
        retry_on_failure: { enabled: false },
        sending_queue: { enabled: false },
      });
      if (checked.success) return { signal, factory, config: checked.data };
      for (const { path, message } of checked.error.issues) {
        const at = String(path[0] ?? "endpoint");
        context.addIssue({
          code: "custom",
          path: [at.endsWith("endpoint") ? "endpoint" : at],
          message: path.length > 1 ? `${path.slice(1).join("::")}: ${message}` : message,
        });
      }
      return z.NEVER;
    });
}

function urlOf(endpoint: string, insecure: boolean): URL | undefined {
  const url = URL.parse(/^https?:\/\//.test(endpoint) ? endpoint : `${insecure ? "http" : "https"}://${endpoint}`);
  return url === null || url.hostname === "" ? undefined : url;
}

/** A URL leaves out the port that its scheme has by default. */
function hostPort({ hostname, port, protocol }: URL): string {
  return `${hostname}:${port || (protocol === "http:" ? "80" : "443")}`;
}

/** `a=b,c=d`, percent-encoded. */
function listOf(text: string | undefined): Record<string, string> | undefined {
  const map: Record<string, string> = {};
  for (const pair of (text ?? "").split(",")) {
    if (pair.trim() === "") continue;
    const at = pair.indexOf("=");
    if (at < 1) return undefined;
    try {
      map[pair.slice(0, at).trim()] = decodeURIComponent(pair.slice(at + 1).trim());
    } catch {
      return undefined;
    }
  }
  return map;
}

/** @param place in messages: `service::telemetry::metrics` @param logger must not lead back here */
export function createSender({ signal, factory, config }: OtlpTarget, place: string, logger: Logger): Exporter {
  return factory.create(
    {
      id: place,
      signal,
      logger,
      meter: createNoopMeter(),
      attributes: {},
      reportStatus: () => {},
      shared: new Map(),
      host: { extension: () => undefined },
    },
    config,
  );
}
