/** https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md#clockid; the clocks of processor time are not offered. */
export const Clock = { realtime: 0, monotonic: 1 } as const;
export type Clock = (typeof Clock)[keyof typeof Clock];

/** Where the fine clock stood when the wall clock was read, both in nanoseconds. */
let wallAt = 0n;
let fineAt = 0n;

/** The wall clock moves in milliseconds; between them the fine clock counts, as long as both agree (nobody has set the time). */
function wallClock(): bigint {
  const fine = process.hrtime.bigint();
  const milliseconds = BigInt(Date.now());
  const now = wallAt + fine - fineAt;
  const difference = now / 1_000_000n - milliseconds;
  if (difference >= -1n && difference <= 1n) return now;
  fineAt = fine;
  wallAt = milliseconds * 1_000_000n;
  return wallAt;
}

/** @returns nanoseconds; `undefined` for a clock that there is not */
export function readClock(clock: number): bigint | undefined {
  if (clock === Clock.monotonic) return process.hrtime.bigint();
  return clock === Clock.realtime ? wallClock() : undefined;
}
