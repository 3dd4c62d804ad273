import type { GuestFunction } from "../abi/names.ts";
import type { Signal } from "../telemetry/batch.ts";

/** What the guest is being asked: its own functions, and the two moments before any of them. */
export type Operation = GuestFunction | "_initialize" | "instantiation";

/** Takes what a receiver's guest sets while its loop runs; returns when the guest may go on. */
export interface ResultSink {
  /** @param bytes in a buffer of their own */
  take(bytes: Uint8Array): void;
  /** One result that is larger than the plugin may set; the guest goes on without it. */
  refuse(size: number): void;
}

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
  /** Bytes of all results of this call, those included that were not taken. */
  resultBytes = 0;
  /** Where a receiver's results go instead. */
  sink: ResultSink | undefined;
  /** What `set_status_reason` gave in this call. */
  reason = "";
  /** Bytes of all results of one call; of each result where a sink takes them. */
  readonly maxResultBytes: number;

  constructor(maxResultBytes: number) {
    this.maxResultBytes = maxResultBytes;
  }

  begin(operation: Operation): void {
    this.operation = operation;
    this.results = undefined;
    this.resultBytes = 0;
    this.reason = "";
  }

  end(): void {
    this.operation = undefined;
    this.accepts = undefined;
    this.sink = undefined;
  }
}
