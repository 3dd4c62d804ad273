import { env } from "node:process";
import type { ClientAuthenticator } from "../../component/auth.ts";
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
import { type Credentials, clientAuthenticator, credentialsOf } from "../../transport/client-config.ts";
import { ClientSecurity } from "../../transport/client-tls.ts";
import { type Coding, compress, type Effort, effort } from "../../transport/compression.ts";
import { codingOf } from "../../transport/exporting.ts";
import { HttpClientError } from "../../transport/http1-client.ts";
import type { HttpResponse } from "../../transport/http1-parser.ts";
import { JSON_TYPE, PROTOBUF } from "../../transport/otlp.ts";
import type { OtlpHttpConfig } from "./config.ts";
import { CookieJar } from "./cookies.ts";
import { isRedirect, MAX_REDIRECTS, redirectTarget } from "./redirect.ts";
import { Target } from "./target.ts";

const text = new TextDecoder();

/** OTLP over HTTP. A batch counts as delivered when the destination has answered 2xx. */
class OtlpHttpExporter implements Exporter {
  readonly capabilities: { readonly mutatesData: boolean } = { mutatesData: false };
  readonly #settings: ComponentSettings;
  readonly #config: OtlpHttpConfig;
  /** For messages: without credentials. */
  readonly #url: string;
  readonly #coding: Coding | undefined;
  readonly #effort: Effort | undefined;
  readonly #authenticator: ClientAuthenticator | undefined;
  #credentials: Credentials | undefined;
  readonly #security: ClientSecurity;
  readonly #jar: CookieJar | undefined;
  readonly #target: Target;
  /** Where redirects have led to. */
  readonly #others: Map<string, Target> = new Map();
  readonly #following: Set<Promise<unknown>> = new Set();

  constructor(settings: ComponentSettings, config: OtlpHttpConfig, url: URL) {
    this.#settings = settings;
    this.#config = config;
    this.#url = `${url.origin}${url.pathname}`;
    this.#coding = codingOf(config.compression);
    this.#effort = this.#coding && effort(this.#coding, config.compressionLevel);
    this.#authenticator = clientAuthenticator(settings, config.auth);
    this.#jar = config.cookies ? new CookieJar() : undefined;
    const where = `exporters::${settings.id}`;
    this.#security = new ClientSecurity(config.tls, `${where}::tls`, settings.logger);
    try {
      this.#target = new Target(url, config, this.#security, env, this.#jar);
    } catch (cause) {
      throw new ConfigError([`${where}: ${cause instanceof Error ? cause.message : String(cause)}`], { cause });
    }
  }

  /** Connects with the first batch: a destination that is down is that batch's failure. */
  async start(): Promise<void> {
    if (this.#target.usesTls) await this.#security.open();
  }

  async shutdown(): Promise<void> {
    await this.#target.close();
    // An answer that has just come may be a redirect.
    await new Promise((resolve) => void setImmediate(resolve));
    await Promise.allSettled(this.#following);
    await Promise.all([...this.#others.values()].map((target) => target.close()));
    this.#security.close();
  }

  async consume(batch: Batch): Promise<void> {
    const { encoding, timeout } = this.#config;
    let body = encoding === "json" ? Buffer.from(encodeJson(batch.signal, batch.bytes)) : batch.bytes;
    if (this.#coding !== undefined) {
      const packed = compress(this.#coding, body, this.#effort);
      body = packed instanceof Uint8Array ? packed : await packed;
    }
    if (this.#authenticator !== undefined) this.#credentials = credentialsOf(this.#authenticator, this.#credentials);
    const credentials = this.#credentials;
    const deadline = performance.now() + timeout;
    let response: HttpResponse;
    try {
      response = await this.#target.send(body, timeout, credentials);
      if (isRedirect(response.status)) {
        const following = this.#follow(response, body, deadline, credentials);
        this.#following.add(following);
        response = await following.finally(() => this.#following.delete(following));
      }
    } catch (error) {
      throw this.#unanswered(error);
    }
    if (response.status < 200 || response.status > 299) throw this.#refused(response);
    if (response.body.length > 0) this.#noteResponse(response);
  }

  async #follow(
    first: HttpResponse,
    body: Uint8Array,
    deadline: number,
    credentials: Credentials | undefined,
  ): Promise<HttpResponse> {
    let response = first;
    let { url } = this.#target;
    for (let count = 1; isRedirect(response.status); count++) {
      if (count > MAX_REDIRECTS) throw this.#refused(response, `stopped after ${MAX_REDIRECTS} redirects`);
      const to = redirectTarget(url, response.headers.get("location"));
      if (typeof to === "string") throw this.#refused(response, to);
      url = to;
      const left = deadline - performance.now();
      if (left <= 0) throw new HttpClientError("timeout", "no response in time");
      const target = this.#targetAt(url);
      if (target.usesTls) await this.#security.open();
      response = await target.send(body, left, credentials);
    }
    return response;
  }

  #targetAt(url: URL): Target {
    let target = this.#others.get(url.href);
    if (target !== undefined) return target;
    target = new Target(url, this.#config, this.#security, env, this.#jar);
    this.#others.set(url.href, target);
    for (const [href, oldest] of this.#others) {
      if (this.#others.size <= MAX_REDIRECTS) break;
      this.#others.delete(href);
      void oldest.close();
    }
    return target;
  }

  #unanswered(cause: unknown): ConsumerError {
    if (cause instanceof ConsumerError) return cause;
    const message = cause instanceof Error ? cause.message : String(cause);
    const late = cause instanceof HttpClientError && cause.code === "timeout";
    return ConsumerError.retryable(`failed to make an HTTP request to ${this.#url}: ${message}`, {
      cause,
      code: late ? StatusCode.DEADLINE_EXCEEDED : StatusCode.UNAVAILABLE,
    });
  }

  #refused(response: HttpResponse, said: string = statusText(response)): ConsumerError {
    const { status } = response;
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
