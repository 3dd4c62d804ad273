import type { GuestFunction } from "../abi/names.ts";
import type { Signal } from "../telemetry/batch.ts";

/** What the guest is being asked: its own functions, and the two moments before any of them. */
export type Operation = GuestFunction | "_initialize" | "instantiation";

/**
 * What host functions and the host share about the call that runs (the specification's `Stack`): one for each instance, as
 * an instance runs one call at a time.
 */
export class GuestCall {
  operation: Operation | undefined = "instantiation";
  /** The signal whose results are taken now; undefined when none are. */
  accepts: Signal | undefined;
  /** What `set_result_X` gave in this call. */
  results: Uint8Array[] | undefined;
  /** What `set_status_reason` gave in this call. */
  reason = "";

  begin(operation: Operation): void {
    this.operation = operation;
    this.results = undefined;
    this.reason = "";
  }

  end(): void {
    this.operation = undefined;
    this.accepts = undefined;
  }
}
