import { GuestStatus, statusName } from "../abi/values.ts";
import { ConsumerError, StatusCode } from "../component/errors.ts";

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
  readonly cause?: unknown;
}

/** A plugin failed: it could not be loaded, or one of its functions returned a status, trapped, or could not be called. */
export class PluginError extends ConsumerError {
  override readonly name: string = "PluginError";
  readonly componentId: string;
  readonly function: string;
  readonly status: number | undefined;
  readonly reason: string;

  /** @param what happened; the message is the component's id and the function, then this. */
  constructor(what: string, details: PluginErrorDetails) {
    super(`${details.componentId}: ${details.function}: ${what}`, details.permanent, {
      ...(details.code === undefined ? {} : { code: details.code }),
      ...(details.cause === undefined ? {} : { cause: details.cause }),
    });
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
