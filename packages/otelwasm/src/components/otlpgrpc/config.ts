import * as z from "zod";
import { type HostPort, parseHostPort, positiveDuration } from "../../config/values.ts";
import { type DeliveryConfig, deliveryKeys } from "../../exporterhelper/config.ts";
import { type Compression, compression, headers } from "../../transport/exporting.ts";

export interface OtlpGrpcConfig extends DeliveryConfig {
  readonly target: HostPort;
  readonly secure: boolean;
  /** In milliseconds. */
  readonly timeout: number;
  readonly compression: Compression;
  readonly headers: Readonly<Record<string, string>>;
}

/** `host:port`, also behind `http://`, `https://`, `dns:///` or `dns:`. */
const endpoint = z
  .string({ error: (issue) => (issue.input === undefined ? "is required" : undefined) })
  .transform((text, context) => {
    const scheme = /^(?:(https?):\/\/|dns:(?:\/\/\/)?)?(.*?)\/?$/.exec(text);
    const target = scheme === null ? undefined : parseHostPort(scheme[2]!);
    if (target === undefined || target.host === "" || target.port === 0) {
      context.addIssue({
        code: "custom",
        message: `${JSON.stringify(text)} is not host:port, for example "otel:4317"`,
      });
      return z.NEVER;
    }
    return { target, scheme: scheme?.[1] };
  });

/**
 * `exporters::otlp_grpc` as the Collector has it. Of `tls` there is `insecure` in this version; `auth`, `keepalive`, `balancer_name` and the
 * like are not supported yet.
 */
export const schema: z.ZodType<OtlpGrpcConfig> = z
  .strictObject({
    endpoint,
    tls: z.strictObject({ insecure: z.boolean().default(false) }).default({ insecure: false }),
    timeout: positiveDuration().default(5_000),
    compression: compression(["gzip"]),
    headers: headers().superRefine((map, context) => {
      for (const name of Object.keys(map)) {
        if (!name.startsWith("grpc-") && name !== "content-type") continue;
        context.addIssue({ code: "custom", message: `${name} is set by gRPC itself` });
      }
    }),
    ...deliveryKeys,
  })
  .transform(({ endpoint: { target, scheme }, tls, ...config }) => ({
    ...config,
    target,
    // As in the Collector, `http://` alone is not enough for plaintext.
    secure: !tls.insecure || scheme === "https",
  }));
