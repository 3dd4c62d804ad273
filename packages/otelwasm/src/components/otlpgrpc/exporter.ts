import { env } from "node:process";
import type { Exporter } from "../../component/component.ts";
import { ConfigError, ConsumerError, StatusCode } from "../../component/errors.ts";
import type { ComponentSettings } from "../../component/factory.ts";
import { isRetryableCode } from "../../component/status.ts";
import type { Batch } from "../../telemetry/batch.ts";
import { decodePartialSuccess, type PartialSuccess } from "../../telemetry/response.ts";
import { clientAuthenticator } from "../../transport/client-config.ts";
import { ClientSecurity } from "../../transport/client-tls.ts";
import { compress } from "../../transport/compression.ts";
import type { Destination } from "../../transport/dial.ts";
import { GrpcError } from "../../transport/grpc-call.ts";
import { GrpcChannel } from "../../transport/grpc-channel.ts";
import { OTLP } from "../../transport/otlp.ts";
import { proxyFromEnvironment } from "../../transport/proxy.ts";
import type { OtlpGrpcConfig } from "./config.ts";

/** OTLP over gRPC. A batch counts as delivered when the destination has answered OK. */
class OtlpGrpcExporter implements Exporter {
  readonly capabilities: { readonly mutatesData: boolean } = { mutatesData: false };
  readonly #settings: ComponentSettings;
  readonly #encoding: OtlpGrpcConfig["encoding"];
  readonly #endpoint: string;
  readonly #security: ClientSecurity;
  readonly #usesTls: boolean;
  readonly #channel: GrpcChannel;

  constructor(settings: ComponentSettings, config: OtlpGrpcConfig) {
    const where = `exporters::${settings.id}`;
    this.#settings = settings;
    this.#encoding = config.encoding;
    this.#endpoint = config.name;
    this.#security = new ClientSecurity(config.tls, `${where}::tls`, settings.logger);
    const authenticator = clientAuthenticator(settings, config.auth);
    if (authenticator !== undefined && !config.secure) {
      // grpc-go's words.
      throw new ConfigError([
        `${where}::auth: the credentials require transport level security: they would be readable on the way`,
      ]);
    }
    const destination = destinationOf(config, this.#security, where);
    this.#usesTls = destination.secure !== undefined || destination.tunnel?.secure !== undefined;
    this.#channel = new GrpcChannel({
      destination,
      balance: config.balance,
      authority: config.authority,
      path: OTLP[settings.signal].grpcPath,
      headers: { "user-agent": config.userAgent, ...config.headers },
      authenticator,
      encoding: config.encoding,
      timeoutMs: config.timeout,
      waitForReady: config.waitForReady,
      keepalive: config.keepalive,
      readBuffer: config.readBuffer,
    });
  }

  /** Connects with the first batch: a destination that is down is that batch's failure. */
  async start(): Promise<void> {
    if (this.#usesTls) await this.#security.open();
  }

  async shutdown(): Promise<void> {
    await this.#channel.close();
    this.#security.close();
  }

  async consume(batch: Batch): Promise<void> {
    let message = batch.bytes;
    if (this.#encoding !== undefined) {
      const packed = compress(this.#encoding, message);
      message = packed instanceof Uint8Array ? packed : await packed;
    }
    let answer: Uint8Array;
    try {
      answer = await this.#channel.call(message);
    } catch (error) {
      throw this.#failed(error);
    }
    if (answer.length > 0) this.#noteAnswer(answer);
  }

  #failed(cause: unknown): ConsumerError {
    if (!(cause instanceof GrpcError)) return ConsumerError.from(cause);
    const code = statusCode(cause.code);
    const message = `${this.#endpoint}: ${cause.message}`;
    const { retryAfterMs } = cause;
    if (!isRetryableCode(code, retryAfterMs !== undefined)) return ConsumerError.permanent(message, { code, cause });
    return ConsumerError.retryable(
      message,
      retryAfterMs === undefined ? { code, cause } : { code, cause, retryAfterMs },
    );
  }

  /** The batch was taken. What the destination has to say about it is for people. */
  #noteAnswer(answer: Uint8Array): void {
    const { logger } = this.#settings;
    let partial: PartialSuccess | undefined;
    try {
      partial = decodePartialSuccess(answer);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      logger.warn("The destination's response cannot be read", { endpoint: this.#endpoint, error: reason });
      return;
    }
    if (partial === undefined) return;
    logger.warn("Partial success response", {
      endpoint: this.#endpoint,
      message: partial.message,
      rejected: String(partial.rejected),
    });
  }
}

/** @throws ConfigError if the proxy of the environment cannot be used */
function destinationOf(config: OtlpGrpcConfig, security: ClientSecurity, where: string): Destination {
  const { address } = config;
  const secure = config.secure ? security.secure(config.serverName, "h2") : undefined;
  if ("path" in address) return { address, secure };
  try {
    // As grpc-go does: HTTPS_PROXY, with TLS to the server or without.
    const proxy = proxyFromEnvironment(true, address, env);
    if (proxy === undefined) return { address, secure };
    const toProxy = proxy.secure ? security.secureProxy(proxy.address.host) : undefined;
    return { address, secure, tunnel: { proxy, secure: toProxy, userAgent: config.userAgent } };
  } catch (cause) {
    throw new ConfigError([`${where}: ${cause instanceof Error ? cause.message : String(cause)}`], { cause });
  }
}

const CODES: ReadonlySet<number> = new Set(Object.values(StatusCode));

/** What is not one of gRPC's codes is UNKNOWN. */
function statusCode(code: number): StatusCode {
  return isStatusCode(code) ? code : StatusCode.UNKNOWN;
}

function isStatusCode(code: number): code is StatusCode {
  return CODES.has(code);
}

export function createExporter(settings: ComponentSettings, config: OtlpGrpcConfig): Exporter {
  return new OtlpGrpcExporter(settings, config);
}
