import { ConsumerError, StatusCode } from "./errors.ts";

/** What a sender is told: a `google.rpc.Status` and, where a delay is known, when to try again. */
export interface RpcStatus {
  readonly code: StatusCode;
  readonly message: string;
  readonly retryAfterMs?: number;
}

export function toRpcStatus(error: unknown): RpcStatus {
  const { code, message, retryAfterMs } = ConsumerError.from(error);
  return retryAfterMs === undefined ? { code, message } : { code, message, retryAfterMs };
}

/** The HTTP status for a gRPC code: `GetHTTPStatusCodeFromStatus` of the Collector's OTLP receiver. */
export function httpStatusOf(code: StatusCode): number {
  switch (code) {
    case StatusCode.OK:
      return 200;
    case StatusCode.CANCELLED:
    case StatusCode.DEADLINE_EXCEEDED:
    case StatusCode.ABORTED:
    case StatusCode.OUT_OF_RANGE:
    case StatusCode.UNAVAILABLE:
    case StatusCode.DATA_LOSS:
      return 503;
    case StatusCode.RESOURCE_EXHAUSTED:
      return 429;
    case StatusCode.INVALID_ARGUMENT:
      return 400;
    case StatusCode.UNAUTHENTICATED:
      return 401;
    case StatusCode.PERMISSION_DENIED:
      return 403;
    case StatusCode.UNIMPLEMENTED:
      return 404;
    default:
      return 500;
  }
}

/** The gRPC code for an HTTP answer of an exporter's destination (`NewStatusFromMsgAndHTTPCode` of the Collector). */
export function codeOfHttpStatus(status: number): StatusCode {
  switch (status) {
    case 400:
      return StatusCode.INVALID_ARGUMENT;
    case 401:
      return StatusCode.UNAUTHENTICATED;
    case 403:
      return StatusCode.PERMISSION_DENIED;
    case 404:
      return StatusCode.UNIMPLEMENTED;
    case 429:
      return StatusCode.RESOURCE_EXHAUSTED;
    case 502:
    case 503:
    case 504:
      return StatusCode.UNAVAILABLE;
    default:
      return StatusCode.UNKNOWN;
  }
}

/**
 * The gRPC code for an answer that is HTTP but not gRPC, from a proxy as a rule: that a request is malformed is then this side's fault, and that there
 * are too many may pass. https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md
 */
export function codeOfForeignHttp(status: number): StatusCode {
  if (status === 400) return StatusCode.INTERNAL;
  return status === 429 ? StatusCode.UNAVAILABLE : codeOfHttpStatus(status);
}

/** Exporters try again on these HTTP answers: OTLP specification, "Retryable Response Codes". */
export function isRetryableHttpStatus(status: number): boolean {
  return status === 429 || status === 502 || status === 503 || status === 504;
}

/** Exporters try again on these gRPC codes; RESOURCE_EXHAUSTED only when the server said when (`RetryInfo`). */
export function isRetryableCode(code: StatusCode, hasRetryInfo: boolean): boolean {
  switch (code) {
    case StatusCode.CANCELLED:
    case StatusCode.DEADLINE_EXCEEDED:
    case StatusCode.ABORTED:
    case StatusCode.OUT_OF_RANGE:
    case StatusCode.UNAVAILABLE:
    case StatusCode.DATA_LOSS:
      return true;
    case StatusCode.RESOURCE_EXHAUSTED:
      return hasRetryInfo;
    default:
      return false;
  }
}
