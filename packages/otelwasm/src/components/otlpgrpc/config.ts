import * as z from "zod";
import { duration, parseHostPort, positiveDuration } from "../../config/values.ts";
import { type DeliveryConfig, deliveryKeys } from "../../exporterhelper/config.ts";
import { type Auth, auth, middlewares, readBufferSize, writeBufferSize } from "../../transport/client-config.ts";
import type { Destination } from "../../transport/dial.ts";
import { compression, headers } from "../../transport/exporting.ts";
import type { KeepaliveOptions } from "../../transport/keepalive.ts";
import { USER_AGENT } from "../../transport/otlp.ts";
import { type ClientTls, clientTls, isPlaintext } from "../../transport/tls.ts";
import { parseEndpoint } from "./endpoint.ts";

export interface OtlpGrpcConfig extends DeliveryConfig {
  readonly address: Destination["address"];
  /** For messages. */
  readonly name: string;
  /** `:authority`, and whom the certificate has to name unless `tls` says another. */
  readonly authority: string;
  readonly serverName: string;
  readonly secure: boolean;
  readonly tls: ClientTls;
  /** Whether calls go to all addresses of a name in turn. */
  readonly balance: boolean;
  /** In milliseconds. */
  readonly timeout: number;
  readonly encoding: "gzip" | "zstd" | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly userAgent: string;
  readonly auth: Auth | undefined;
  readonly keepalive: KeepaliveOptions | undefined;
  readonly waitForReady: boolean;
  /** In bytes. */
  readonly readBuffer: number | undefined;
}

const endpoint = z
  .string({ error: (issue) => (issue.input === undefined ? "is required" : undefined) })
  .transform((text, context) => {
    const parsed = parseEndpoint(text);
    if (parsed !== undefined) return parsed;
    const message = `${JSON.stringify(text)} is not host:port, for example "otel:4317", or unix:///path`;
    context.addIssue({ code: "custom", message });
    return z.NEVER;
  });

/** gRPC's own limits and defaults: servers end connections that ask more often. */
const KEEPALIVE_MS = { least: 10_000, timeout: 20_000 } as const;

const keepalive = z
  .strictObject({
    time: duration().default(KEEPALIVE_MS.least),
    timeout: duration().default(KEEPALIVE_MS.timeout),
    permit_without_stream: z.boolean().default(false),
  })
  .transform(({ time, timeout, permit_without_stream }) => ({
    timeMs: Math.max(KEEPALIVE_MS.least, time),
    timeoutMs: timeout || KEEPALIVE_MS.timeout,
    withoutStream: permit_without_stream,
  }));

const balancers = ["round_robin", "pick_first", ""] as const;

/** `exporters::otlp_grpc` as the Collector has it. */
export const schema: z.ZodType<OtlpGrpcConfig> = z
  .strictObject({
    endpoint,
    tls: clientTls().prefault({}),
    auth: auth(),
    timeout: positiveDuration().default(5_000),
    compression: compression(["gzip", "zstd"]),
    headers: headers().superRefine((map, context) => {
      for (const name of Object.keys(map)) {
        if (!name.startsWith("grpc-") && name !== "content-type") continue;
        context.addIssue({ code: "custom", message: `${name} is set by gRPC itself` });
      }
    }),
    user_agent: z
      .string()
      .regex(/^[\x20-\x7e]*$/, "has characters that a header cannot have")
      .default(""),
    keepalive: keepalive.optional(),
    wait_for_ready: z.boolean().default(false),
    balancer_name: z.enum(balancers).default("round_robin"),
    authority: z
      .string()
      .regex(/^[\x21-\x7e]*$/, "is not the name of a server")
      .default(""),
    read_buffer_size: readBufferSize(),
    write_buffer_size: writeBufferSize(),
    middlewares: middlewares(),
    ...deliveryKeys,
  })
  .superRefine(({ authority, tls: { server_name_override: other } }, context) => {
    if (authority === "" || other === undefined || authority === other) return;
    const message = `is not what tls::server_name_override says: ${JSON.stringify(other)}`;
    context.addIssue({ code: "custom", path: ["authority"], message });
  })
  .transform((config) => {
    const { endpoint, tls, timeout, headers, auth, keepalive, retry_on_failure, sending_queue } = config;
    const authority = config.authority || tls.server_name_override || endpoint.authority;
    return {
      address: endpoint.address,
      name: endpoint.name,
      authority,
      serverName: config.authority === "" ? endpoint.host : (parseHostPort(authority)?.host ?? authority),
      // As in the Collector, `http://` alone is not enough for plaintext.
      secure: !isPlaintext(tls) || endpoint.scheme === "https",
      tls,
      balance: endpoint.resolved && config.balancer_name === "round_robin",
      timeout,
      encoding: config.compression === "gzip" || config.compression === "zstd" ? config.compression : undefined,
      headers,
      userAgent: config.user_agent || USER_AGENT,
      auth,
      keepalive,
      waitForReady: config.wait_for_ready,
      readBuffer: config.read_buffer_size,
      retry_on_failure,
      sending_queue,
    };
  });
