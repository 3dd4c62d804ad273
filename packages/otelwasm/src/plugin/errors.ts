import { GuestStatus, statusName } from "../abi/values.ts";
import { ConsumerError, StatusCode } from "../component/errors.ts";
import { WasmError } from "../runtime/errors.ts";

export interface PluginErrorDetails {
  /** `type` or `type/name`, as in the configuration. */
  readonly componentId: string;
  /** The guest's function in ABI v1's spelling (`consume_logs`), or what the host was doing (`load`). */
  readonly function: string;
  /** What the guest returned, if it returned. */
  readonly status?: number;
  /** What the guest gave to `set_status_reason`; empty if it gave nothing. */
  readonly reason?: string;
  readonly permanent: boolean;
  readonly code?: StatusCode;
  /** When it may be tried again, in milliseconds from now. */
  readonly retryAfterMs?: number;
  readonly cause?: unknown;
}

/** A plugin failed: it could not be loaded, or one of its functions returned a status, trapped, or could not be called. */
export class PluginError extends ConsumerError {
  override readonly name: string = "PluginError";
  /** The message without the component's id and the function. */
  readonly what: string;
  readonly componentId: string;
  readonly function: string;
  readonly status: number | undefined;
  readonly reason: string;

  /** @param what happened; the message is the component's id and the function, then this. */
  constructor(what: string, details: PluginErrorDetails) {
    super(`${details.componentId}: ${details.function}: ${what}`, details.permanent, {
      ...(details.code === undefined ? {} : { code: details.code }),
      ...(details.retryAfterMs === undefined ? {} : { retryAfterMs: details.retryAfterMs }),
      ...(details.cause === undefined ? {} : { cause: details.cause }),
    });
    this.what = what;
    this.componentId = details.componentId;
    this.function = details.function;
    this.status = details.status;
    this.reason = details.reason ?? "";
  }

  /**
   * A function of the guest returned a status that is not success.
   *
   * Only "invalid argument" is permanent: the guest says that these bytes are at fault, and the same bytes will be tomorrow.
   * Everything else is retryable, as an error that a Collector's processor did not mark as permanent is: the client keeps
   * the data and tries again, which loses nothing if the cause was passing (a look-up that failed, memory that was short).
   */
  static fromStatus(componentId: string, functionName: string, status: number, reason: string): PluginError {
    const permanent = status === GuestStatus.invalid_argument;
    const text = `status ${status} (${statusName(status)})`;
    return new PluginError(reason === "" ? `${text}, no reason given` : `${text}: ${reason}`, {
      componentId,
      function: functionName,
      status,
      reason,
      permanent,
      code: permanent ? StatusCode.INVALID_ARGUMENT : StatusCode.UNAVAILABLE,
    });
  }

  /** The guest trapped, or a host function that it called refused the call. Retryable: the next instance may manage. */
  static fromTrap(componentId: string, functionName: string, cause: unknown, reason = ""): PluginError {
    const message = cause instanceof Error ? cause.message : String(cause);
    return new PluginError(`trapped: ${message}`, {
      componentId,
      function: functionName,
      reason,
      permanent: false,
      cause,
    });
  }

  /** The guest was stopped because it ran too long. Retryable: the next instance may manage, or the guest was only slow. */
  static fromDeadline(componentId: string, functionName: string, milliseconds: number): PluginError {
    const cause = new WasmError("deadline");
    return new PluginError(`stopped: it ran longer than ${milliseconds} ms`, {
      componentId,
      function: functionName,
      permanent: false,
      code: StatusCode.DEADLINE_EXCEEDED,
      cause,
    });
  }

  /** More results than the plugin may set. Permanent: the same bytes give the same results; HTTP's 429 would have the sender try again. */
  static fromResultSize(componentId: string, functionName: string, size: number, limit: number): PluginError {
    return new PluginError(`its results have ${size} bytes, more than max_result_bytes (${limit})`, {
      componentId,
      function: functionName,
      permanent: true,
    });
  }

  /**
   * The plugin cannot be loaded: nothing that is sent to it can succeed.
   *
   * @param path the module's file, if it was read from one
   */
  static fromLoad(
    componentId: string,
    path: string | undefined,
    problems: readonly string[],
    cause?: unknown,
  ): PluginError {
    const file = path === undefined || path === componentId ? "" : `${path}: `;
    return new PluginError(`${file}${problems.join("; ")}`, { componentId, function: "load", permanent: true, cause });
  }
}
