// Time, by WASI preview 1: https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md
import { clockTimeGet, pollOneoff } from "./host";

const REALTIME: u32 = 0;
const MONOTONIC: u32 = 1;

const SUBSCRIPTION_SIZE = 48;
const EVENT_SIZE = 32;
const TAG_CLOCK: u8 = 0;

const time: usize = memory.data(8, 8);
const subscription: usize = memory.data(SUBSCRIPTION_SIZE, 8);
const event: usize = memory.data(EVENT_SIZE, 8);
const count: usize = memory.data(4, 8);

/** Nanoseconds since 1970, as OTLP's timestamps are. */
export function nowUnixNano(): u64 {
  return read(REALTIME);
}

/** Nanoseconds since some moment: for durations, because nobody sets this clock. */
export function monotonicNano(): u64 {
  return read(MONOTONIC);
}

function read(clock: u32): u64 {
  const errno = clockTimeGet(clock, 1000, time);
  if (errno != 0) abort("clock_time_get failed with errno " + errno.toString());
  return load<u64>(time);
}

/** Waits, without looking at anything. @param nanoseconds from now */
export function wait(nanoseconds: u64): void {
  memory.fill(subscription, 0, SUBSCRIPTION_SIZE);
  store<u8>(subscription, TAG_CLOCK, 8);
  store<u32>(subscription, MONOTONIC, 16);
  store<u64>(subscription, nanoseconds, 24);
  const errno = pollOneoff(subscription, event, 1, count);
  if (errno != 0) abort("poll_oneoff failed with errno " + errno.toString());
}
