import type { Exporter } from "../../component/component.ts";
import { ConsumerError, StatusCode } from "../../component/errors.ts";
import type { ComponentSettings } from "../../component/factory.ts";
import { isRetryableCode } from "../../component/status.ts";
import { formatHostPort } from "../../config/values.ts";
import type { Batch } from "../../telemetry/batch.ts";
import { decodePartialSuccess, type PartialSuccess } from "../../telemetry/response.ts";
import { compress } from "../../transport/compression.ts";
import { GrpcChannel, GrpcError } from "../../transport/grpc-channel.ts";
import { OTLP, USER_AGENT } from "../../transport/otlp.ts";
import type { OtlpGrpcConfig } from "./config.ts";

/** OTLP over gRPC. A batch counts as delivered when the destination has answered OK. */
class OtlpGrpcExporter implements Exporter {
  readonly capabilities: { readonly mutatesData: boolean } = { mutatesData: false };
  readonly #settings: ComponentSettings;
  readonly #gzip: boolean;
  readonly #endpoint: string;
  readonly #channel: GrpcChannel;

  constructor(settings: ComponentSettings, config: OtlpGrpcConfig) {
    this.#settings = settings;
    this.#gzip = config.compression === "gzip";
    this.#endpoint = formatHostPort(config.target);
    this.#channel = new GrpcChannel({
      target: config.target,
      secure: config.secure,
      path: OTLP[settings.signal].grpcPath,
      headers: { "user-agent": USER_AGENT, ...config.headers },
      gzip: this.#gzip,
      timeoutMs: config.timeout,
    });
  }

  /** Connects with the first batch: a destination that is down is that batch's failure. */
  start(): Promise<void> {
    return Promise.resolve();
  }

  shutdown(): Promise<void> {
    return this.#channel.close();
  }

  async consume(batch: Batch): Promise<void> {
    let message = batch.bytes;
    if (this.#gzip) {
      const packed = compress("gzip", message);
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
