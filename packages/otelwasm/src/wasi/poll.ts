/**
 * https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md#poll_oneoff: how guests sleep.
 *
 * A wait blocks the thread that the guest runs on. A receiver has one of its own. With `isolation: inline` the guest runs on the
 * collector's: a processor that sleeps there stops everything as long as it does.
 */
import type { HostFunction, Memory, Value } from "../runtime/contract.ts";
import { define, unsigned, within } from "./define.ts";
import { Errno } from "./errno.ts";
import { Clock, readClock } from "./time.ts";

/** `__wasi_subscription_t`: userdata u64@0, tag u8@8, then clock id u32@16, timeout u64@24, precision u64@32, flags u16@40. */
const SUBSCRIPTION_SIZE = 48;
/** `__wasi_event_t`: userdata u64@0, error u16@8, type u8@10. */
const EVENT_SIZE = 32;

/** More than any guest has files; each costs memory of the host while the call lasts. */
const MAX_SUBSCRIPTIONS = 65_536;

const Tag = { clock: 0, fdRead: 1, fdWrite: 2 } as const;
const ABSOLUTE_TIME = 1;

interface Event {
  readonly userdata: bigint;
  readonly type: number;
  readonly error: Errno;
}

interface Timer {
  readonly userdata: bigint;
  /** In nanoseconds of the monotonic clock. */
  readonly due: bigint;
}

/**
 * @param shutdown its first element becomes other than 0 when shutdown is requested, and is notified then: that ends a wait. Without
 *   it a wait lasts as long as the guest wants.
 */
export function pollFunctions(shutdown: Int32Array | undefined): HostFunction[] {
  return [
    define("poll_oneoff", ["i32", "i32", "i32", "i32"], (memory, subscriptions, events, length, count) =>
      pollOneoff(memory, shutdown, subscriptions, events, unsigned(length), count),
    ),
  ];
}

function pollOneoff(
  memory: Memory,
  shutdown: Int32Array | undefined,
  subscriptions: Value | undefined,
  events: Value | undefined,
  length: number,
  count: Value | undefined,
): Errno {
  if (length === 0 || length > MAX_SUBSCRIPTIONS) return Errno.inval;
  const input = within("poll_oneoff", memory, subscriptions, length * SUBSCRIPTION_SIZE);
  const output = within("poll_oneoff", memory, events, length * EVENT_SIZE);
  const counter = within("poll_oneoff", memory, count, 4);
  const view = memory.view();
  const ready: Event[] = [];
  const timers: Timer[] = [];
  for (let at = input; at < input + length * SUBSCRIPTION_SIZE; at += SUBSCRIPTION_SIZE) {
    const userdata = view.getBigUint64(at, true);
    const type = view.getUint8(at + 8);
    if (type === Tag.clock) {
      const due = dueTime(view, at);
      if (due === undefined) ready.push({ userdata, type, error: Errno.inval });
      else timers.push({ userdata, due });
    } else if (type === Tag.fdRead || type === Tag.fdWrite) ready.push({ userdata, type, error: Errno.badf });
    else return Errno.inval;
  }
  const first = timers.reduce<bigint | undefined>(
    (least, { due }) => (least !== undefined && least < due ? least : due),
    undefined,
  );
  let now = readClock(Clock.monotonic) ?? 0n;
  if (ready.length === 0 && first !== undefined && first > now) {
    waitUntil(first, shutdown);
    now = readClock(Clock.monotonic) ?? 0n;
    // Woken by shutdown: the timer is reported as if it were due. Guests that sleep take any other answer for a failure.
    if (now < first) now = first;
  }
  for (const { userdata, due } of timers)
    if (due <= now) ready.push({ userdata, type: Tag.clock, error: Errno.success });
  ready.forEach((event, i) => {
    writeEvent(view, output + i * EVENT_SIZE, event);
  });
  view.setUint32(counter, ready.length, true);
  return Errno.success;
}

/** @returns `undefined` for a clock that there is not */
function dueTime(view: DataView, at: number): bigint | undefined {
  const timeout = view.getBigUint64(at + 24, true);
  const now = readClock(view.getUint32(at + 16, true));
  if (now === undefined) return undefined;
  const isAbsolute = (view.getUint16(at + 40, true) & ABSOLUTE_TIME) !== 0;
  return (readClock(Clock.monotonic) ?? 0n) + (isAbsolute ? timeout - now : timeout);
}

function writeEvent(view: DataView, at: number, { userdata, type, error }: Event): void {
  for (let i = 0; i < EVENT_SIZE; i += 8) view.setBigUint64(at + i, 0n, true);
  view.setBigUint64(at, userdata, true);
  view.setUint16(at + 8, error, true);
  view.setUint8(at + 10, type);
}

/** For waits that nothing is to end. */
const never = new Int32Array(new SharedArrayBuffer(4));

/**
 * Ends early only when shutdown is requested meanwhile: a guest that goes on to sleep after that must not spin, so that request has been
 * told already.
 */
function waitUntil(due: bigint, shutdown: Int32Array | undefined): void {
  const flag = shutdown !== undefined && Atomics.load(shutdown, 0) === 0 ? shutdown : never;
  while (Atomics.load(flag, 0) === 0) {
    const left = due - process.hrtime.bigint();
    if (left <= 0n) return;
    Atomics.wait(flag, 0, 0, Number(left) / 1e6);
  }
}
