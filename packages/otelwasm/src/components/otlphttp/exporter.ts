import { version } from "node:process";
import type { Exporter } from "../../component/component.ts";
import { ConfigError, ConsumerError, StatusCode } from "../../component/errors.ts";
import type { ComponentSettings } from "../../component/factory.ts";
import { codeOfHttpStatus, isRetryableHttpStatus } from "../../component/status.ts";
import type { Batch } from "../../telemetry/batch.ts";
import { encodeJson } from "../../telemetry/json.ts";
import {
  decodePartialSuccess,
  decodePartialSuccessJson,
  decodeStatus,
  decodeStatusJson,
  type PartialSuccess,
} from "../../telemetry/response.ts";
import { compress } from "../../transport/compression.ts";
import { HttpClient, HttpClientError } from "../../transport/http1-client.ts";
import type { HttpResponse } from "../../transport/http1-parser.ts";
import { JSON_TYPE, PROTOBUF, USER_AGENT } from "../../transport/otlp.ts";
import type { OtlpHttpConfig } from "./config.ts";

const text = new TextDecoder();

/** The request line and the headers, which are the same for every batch. */
function requestHead(url: URL, config: OtlpHttpConfig): string {
  const { compression, encoding } = config;
  const headers = new Map([
    ["host", url.host],
    ["user-agent", `${USER_AGENT} (Node.js ${version})`],
    ["content-type", encoding === "json" ? JSON_TYPE : PROTOBUF],
    ...(compression === "none" ? [] : [["content-encoding", compression] as const]),
    ...(url.username === "" ? [] : [["authorization", `Basic ${credentials(url)}`] as const]),
    ...Object.entries(config.headers),
  ]);
  const lines = [...headers].map(([name, value]) => `${name}: ${value}\r\n`).join("");
  return `POST ${url.pathname}${url.search} HTTP/1.1\r\n${lines}`;
}

function credentials(url: URL): string {
  return Buffer.from(`${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`).toString("base64");
}

/** OTLP over HTTP. A batch counts as delivered when the destination has answered 2xx. */
class OtlpHttpExporter implements Exporter {
  readonly capabilities: { readonly mutatesData: boolean } = { mutatesData: false };
  readonly #settings: ComponentSettings;
  readonly #config: OtlpHttpConfig;
  /** For messages: without credentials. */
  readonly #url: string;
  readonly #head: string;
  readonly #client: HttpClient;

  constructor(settings: ComponentSettings, config: OtlpHttpConfig, url: URL) {
    this.#settings = settings;
    this.#config = config;
    this.#url = `${url.origin}${url.pathname}`;
    this.#head = requestHead(url, config);
    this.#client = new HttpClient(url);
  }

  /** Connects with the first batch: a destination that is down is that batch's failure. */
  start(): Promise<void> {
    return Promise.resolve();
  }

  shutdown(): Promise<void> {
    return this.#client.close();
  }

  async consume(batch: Batch): Promise<void> {
    const { compression, encoding, timeout } = this.#config;
    let body = encoding === "json" ? Buffer.from(encodeJson(batch.signal, batch.bytes)) : batch.bytes;
    if (compression !== "none") {
      const packed = compress(compression, body);
      body = packed instanceof Uint8Array ? packed : await packed;
    }
    let response: HttpResponse;
    try {
      response = await this.#client.send(this.#head, body, timeout);
    } catch (error) {
      throw this.#unanswered(error);
    }
    if (response.status < 200 || response.status > 299) throw this.#refused(response);
    if (response.body.length > 0) this.#noteResponse(response);
  }

  #unanswered(cause: unknown): ConsumerError {
    const message = cause instanceof Error ? cause.message : String(cause);
    const late = cause instanceof HttpClientError && cause.code === "timeout";
    return ConsumerError.retryable(`failed to make an HTTP request to ${this.#url}: ${message}`, {
      cause,
      code: late ? StatusCode.DEADLINE_EXCEEDED : StatusCode.UNAVAILABLE,
    });
  }

  #refused(response: HttpResponse): ConsumerError {
    const { status } = response;
    const said = statusText(response);
    const message = `request to ${this.#url} responded with HTTP Status Code ${status}${said === "" ? "" : `: ${said}`}`;
    const code = codeOfHttpStatus(status);
    if (!isRetryableHttpStatus(status)) return ConsumerError.permanent(message, { code });
    const retryAfterMs = parseRetryAfter(response.headers.get("retry-after"));
    return ConsumerError.retryable(message, retryAfterMs === undefined ? { code } : { code, retryAfterMs });
  }

  /** The batch was taken. What the destination has to say about it is for people. */
  #noteResponse(response: HttpResponse): void {
    const { signal, logger } = this.#settings;
    let partial: PartialSuccess | undefined;
    try {
      const type = mediaType(response);
      if (type === PROTOBUF) partial = decodePartialSuccess(response.body);
      else if (type === JSON_TYPE) partial = decodePartialSuccessJson(signal, text.decode(response.body));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      logger.warn("The destination's response cannot be read", { endpoint: this.#url, error: reason });
      return;
    }
    if (partial === undefined) return;
    logger.warn("Partial success response", {
      endpoint: this.#url,
      message: partial.message,
      rejected: String(partial.rejected),
    });
  }
}

function mediaType(response: HttpResponse): string {
  return (response.headers.get("content-type") ?? "").split(";")[0]!.trim().toLowerCase();
}

/** The message of a `google.rpc.Status`, if the body is one. */
function statusText(response: HttpResponse): string {
  const { body } = response;
  if (body.length === 0) return "";
  const type = mediaType(response);
  try {
    if (type === PROTOBUF) return decodeStatus(body).message;
    if (type === JSON_TYPE) return decodeStatusJson(text.decode(body)).message;
  } catch (error) {
    return `(unreadable google.rpc.Status: ${error instanceof Error ? error.message : String(error)})`;
  }
  return type === "text/plain" ? text.decode(body.subarray(0, 256)).trim() : "";
}

/** Seconds, or a date: https://www.rfc-editor.org/rfc/rfc9110#field.retry-after */
function parseRetryAfter(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now());
}

export function createExporter(settings: ComponentSettings, config: OtlpHttpConfig): Exporter {
  const url = config.urls[settings.signal];
  if (url === undefined) {
    const missing = `${settings.signal}_endpoint`;
    throw new ConfigError([
      `exporters::${settings.id}: neither endpoint nor ${missing} is given, but a ${settings.signal} pipeline uses it`,
    ]);
  }
  return new OtlpHttpExporter(settings, config, url);
}
