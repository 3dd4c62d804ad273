// What `start`, `shutdown` and `consume_*` return besides 0.
export const ERROR: i32 = 1;
export const INVALID_ARGUMENT: i32 = 2;

/** What a plugin's method answers. */
export class Status {
  private static readonly success: Status = new Status(0, "");

  private constructor(
    readonly code: i32,
    readonly reason: string,
  ) {}

  static ok(): Status {
    return Status.success;
  }

  /** The batch is refused: the host discards the result and reports the reason. Its sender may try again. */
  static error(reason: string): Status {
    return new Status(ERROR, reason);
  }

  /** As `error`, for a batch that is itself at fault: trying again cannot help, and its sender is told so. */
  static invalid(reason: string): Status {
    return new Status(INVALID_ARGUMENT, reason);
  }
}
