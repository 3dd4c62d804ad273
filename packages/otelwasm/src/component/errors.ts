/**
 * The one error of the data path. Every consumer (processor, exporter, plugin, queue) rejects with a `ConsumerError`; whether
 * it is permanent decides what a sender is told, and that is mapped to gRPC and HTTP in `status.ts` alone.
 *
 * The codes are gRPC's canonical ones: https://grpc.io/docs/guides/status-codes/
 */
export const StatusCode = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const;
export type StatusCode = (typeof StatusCode)[keyof typeof StatusCode];

export interface ConsumerErrorOptions {
  /** The status that a sender is answered with. Default: INTERNAL for a permanent error, UNAVAILABLE for a retryable one. */
  code?: StatusCode;
  /** When the sender may try again, in milliseconds from now. */
  retryAfterMs?: number;
  cause?: unknown;
}

/** A batch was not delivered. `permanent`: sending the same bytes again cannot succeed. */
export class ConsumerError extends Error {
  override readonly name: string = "ConsumerError";
  readonly permanent: boolean;
  readonly code: StatusCode;
  readonly retryAfterMs: number | undefined;

  constructor(message: string, permanent: boolean, options: ConsumerErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.permanent = permanent;
    this.code = options.code ?? (permanent ? StatusCode.INTERNAL : StatusCode.UNAVAILABLE);
    this.retryAfterMs = options.retryAfterMs;
  }

  static permanent(message: string, options?: ConsumerErrorOptions): ConsumerError {
    return new ConsumerError(message, true, options);
  }

  static retryable(message: string, options?: ConsumerErrorOptions): ConsumerError {
    return new ConsumerError(message, false, options);
  }

  /** Anything thrown as a `ConsumerError`; what nobody classified is retryable, as in the Collector. */
  static from(error: unknown): ConsumerError {
    if (error instanceof ConsumerError) return error;
    const message = error instanceof Error ? error.message : String(error);
    return new ConsumerError(message, false, { cause: error });
  }

  /**
   * Several consumers' errors as one: permanent if any is (the Collector's `consumererror.IsPermanent` on a joined error), with
   * the code of the first error of that kind and the longest delay.
   */
  static join(errors: readonly [ConsumerError, ...ConsumerError[]]): ConsumerError {
    if (errors.length === 1) return errors[0];
    const leading = errors.find((error) => error.permanent) ?? errors[0];
    const delays = errors.flatMap((error) => (error.retryAfterMs === undefined ? [] : [error.retryAfterMs]));
    return new ConsumerError(errors.map((error) => error.message).join("; "), leading.permanent, {
      code: leading.code,
      cause: new AggregateError(errors),
      ...(delays.length > 0 ? { retryAfterMs: Math.max(...delays) } : {}),
    });
  }
}

/** A configuration that cannot be used. Each issue names the path in the Collector's notation, `receivers::otlp::protocols`. */
export class ConfigError extends Error {
  override readonly name: string = "ConfigError";
  readonly issues: readonly string[];

  constructor(issues: readonly string[], options?: { cause?: unknown }) {
    super(
      issues.length === 1
        ? issues[0]!
        : `${issues.length} errors:\n${issues.map((issue) => `  - ${issue}`).join("\n")}`,
      options,
    );
    this.issues = issues;
  }
}
