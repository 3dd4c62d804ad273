import { IncomingMessage, type ServerResponse } from "node:http";
import { codeOfHttpStatus, httpStatusOf, type RpcStatus, toRpcStatus } from "../../component/status.ts";
import type { Signal } from "../../telemetry/batch.ts";
import { encodeStatus, encodeStatusJson } from "../../telemetry/response.ts";
import type { BodyAssembler } from "../../transport/body.ts";
import type { Coding } from "../../transport/compression.ts";
import type { Deadline } from "../../transport/deadlines.ts";
import { JSON_TYPE, PROTOBUF } from "../../transport/otlp.ts";
import type { HttpServer } from "./http.ts";
import type { Reply } from "./intake.ts";

const OK_PROTOBUF = ["Content-Type", PROTOBUF, "Content-Length", "0"];
const OK_JSON = ["Content-Type", JSON_TYPE, "Content-Length", "2"];
const NO_HEADERS: readonly string[] = [];

/** An answer that HTTP itself asks for, before there is anything for the pipeline. */
export interface Refusal {
  readonly status: number;
  readonly message: string;
  readonly headers?: readonly string[];
}

export function mediaType(header: string): string {
  const end = header.indexOf(";");
  return (end < 0 ? header : header.slice(0, end)).trim().toLowerCase();
}

/**
 * A request and its answer. Node creates it in the place of an `IncomingMessage`, so that a request needs no closures: the listeners below
 * are the same functions for all.
 */
export class Exchange extends IncomingMessage implements Reply, Deadline {
  deadlineAt: number = 0;
  deadlineIndex: number = -1;
  host: HttpServer | undefined = undefined;
  response: ServerResponse | undefined = undefined;
  telemetry: Signal = "logs";
  json: boolean | undefined = undefined;
  coding: Coding | undefined = undefined;
  body: BodyAssembler | undefined = undefined;
  discarded: number = 0;
  /** The body is complete and the answer is not given: what is left to do is up to the pipeline. */
  waiting: boolean = false;
  line: Line | undefined = undefined;
  /** What the configuration adds to the answer. */
  more: readonly string[] = NO_HEADERS;

  delivered(): void {
    const { response, more } = this;
    this.waiting = false;
    this.leave();
    if (response === undefined || response.destroyed) return;
    this.host?.beforeAnswer(response);
    const headers = this.json === true ? OK_JSON : OK_PROTOBUF;
    response.writeHead(200, more.length === 0 ? headers : [...headers, ...more]);
    if (this.json === true) response.end("{}");
    else response.end();
  }

  /** It has taken too long to answer. */
  onDeadline(): void {
    this.socket.destroy();
  }

  refused(error: unknown): void {
    const status = toRpcStatus(error);
    this.answer(httpStatusOf(status.code), status, NO_HEADERS);
  }

  /** Whoever asks may not send, or this is not known. */
  rejected(error: unknown, challenge: string): void {
    const status = toRpcStatus(error);
    const httpStatus = httpStatusOf(status.code);
    const media = mediaType(this.headers["content-type"] ?? "");
    if (media === PROTOBUF || media === JSON_TYPE) this.json = media === JSON_TYPE;
    this.answer(httpStatus, status, httpStatus === 401 ? ["WWW-Authenticate", challenge] : NO_HEADERS);
  }

  refuse(refusal: Refusal): void {
    const { status, message } = refusal;
    this.answer(status, { code: codeOfHttpStatus(status), message }, refusal.headers ?? NO_HEADERS);
  }

  leave(): void {
    if (this.line !== undefined) this.line.open--;
    this.line = undefined;
    if (this.deadlineIndex >= 0) this.host?.deadlines.remove(this);
  }

  answer(httpStatus: number, status: RpcStatus, more: readonly string[]): void {
    const { response } = this;
    this.body = undefined;
    this.waiting = false;
    this.leave();
    if (response === undefined || response.destroyed || response.headersSent) return;
    const body =
      this.json === undefined
        ? Buffer.from(status.message)
        : this.json
          ? encodeStatusJson(status)
          : encodeStatus(status);
    const type = this.json === undefined ? "text/plain; charset=utf-8" : this.json ? JSON_TYPE : PROTOBUF;
    const headers = ["Content-Type", type, "Content-Length", String(body.length), ...more, ...this.more];
    if (status.retryAfterMs !== undefined) headers.push("Retry-After", String(Math.ceil(status.retryAfterMs / 1000)));
    this.host?.beforeAnswer(response);
    response.writeHead(httpStatus, headers).end(body);
  }
}

/** A connection. */
export class Line {
  last: Exchange | undefined = undefined;
  /** Requests that nobody has answered. */
  open: number = 0;
}

export function onData(this: IncomingMessage, chunk: Uint8Array): void {
  if (!(this instanceof Exchange)) return;
  const { body, host } = this;
  if (body === undefined) host?.discard(this, chunk);
  else if (!body.push(chunk) && host !== undefined) this.refuse(host.tooLarge());
}

export function onEnd(this: IncomingMessage): void {
  if (!(this instanceof Exchange)) return;
  const bytes = this.body?.take();
  this.body = undefined;
  if (bytes !== undefined) this.host?.complete(this, bytes);
}
