import { ABI_SIGNALS, type AbiSignal } from "./names.ts";

/** What a guest's function returns. Every other value is an error too. */
export const GuestStatus = {
  success: 0,
  /** The reason is what the guest gave to `set_status_reason`. */
  error: 1,
  /** The input is at fault. */
  invalid_argument: 2,
} as const;

/** `error`, `invalid argument`, or the number for what has no name. */
export function statusName(status: number): string {
  const name = Object.entries(GuestStatus).find(([, value]) => value === status)?.[0];
  return name === undefined ? "error" : name.replace("_", " ");
}

/** The bits of `get_supported_telemetry`. */
export const TELEMETRY_BITS: Readonly<Record<AbiSignal, number>> = { metrics: 1, logs: 2, traces: 4 };

/** The signals of a bitmask; bits that mean nothing yet are ignored. */
export function signalsOf(bitmask: number): AbiSignal[] {
  return ABI_SIGNALS.filter((signal) => (bitmask & TELEMETRY_BITS[signal]) !== 0);
}

/** The levels of `log`, by their number. */
export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** What is above the highest level is an error. */
export function logLevelOf(level: number): LogLevel {
  return LOG_LEVELS[level >>> 0] ?? "error";
}
