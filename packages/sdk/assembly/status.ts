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

  /** The batch is refused: the host discards the result and reports the reason. */
  static error(reason: string): Status {
    return new Status(1, reason);
  }
}
