/**
 * https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md#poll_oneoff: how guests sleep, and wait for their sockets.
 *
 * A wait blocks the thread that the guest runs on. A receiver has one of its own. With `isolation: inline` the guest runs on the
 * collector's: a processor that sleeps there stops everything as long as it does.
 */
import type { HostFunction, Memory, Value } from "../runtime/contract.ts";
import { define, unsigned, within } from "./define.ts";
import type { DescriptorTable, Readiness } from "./descriptor.ts";
import { Errno, WasiError } from "./errno.ts";
import { Clock, readClock } from "./time.ts";
import type { Waiter } from "./wait.ts";

/** `__wasi_subscription_t`: userdata u64@0, tag u8@8, then clock id or fd u32@16, timeout u64@24, precision u64@32, flags u16@40. */
const SUBSCRIPTION_SIZE = 48;
/** `__wasi_event_t`: userdata u64@0, error u16@8, type u8@10, nbytes u64@16, flags u16@24. */
const EVENT_SIZE = 32;

/** More than any guest has files; each costs memory of the host while the call lasts. */
const MAX_SUBSCRIPTIONS = 65_536;

const Tag = { clock: 0, fdRead: 1, fdWrite: 2 } as const;
const ABSOLUTE_TIME = 1;
/** `eventrwflags` */
const HANGUP = 1;

interface Event {
  readonly userdata: bigint;
  readonly type: number;
  readonly error: Errno;
  readonly readiness?: Readiness;
}

interface Subscription {
  readonly userdata: bigint;
  readonly type: number;
  /** Of a descriptor. */
  readonly fd?: number;
  /** Of a timer, in nanoseconds of the monotonic clock; `undefined` if its clock is none. */
  readonly due?: bigint | undefined;
}

export function pollFunctions(table: DescriptorTable, waiter: Waiter): HostFunction[] {
  return [
    define("poll_oneoff", ["i32", "i32", "i32", "i32"], (memory, subscriptions, events, length, count) =>
      pollOneoff(memory, table, waiter, subscriptions, events, unsigned(length), count),
    ),
  ];
}

function pollOneoff(
  memory: Memory,
  table: DescriptorTable,
  waiter: Waiter,
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
  const wanted = readSubscriptions(view, input, length);
  if (wanted === undefined) return Errno.inval;
  const ready = collect(table, wanted, waiter);
  ready.forEach((event, i) => {
    writeEvent(view, output + i * EVENT_SIZE, event);
  });
  view.setUint32(counter, ready.length, true);
  return Errno.success;
}

/** What is ready now, in the order of the subscriptions; if nothing is, waits until something is. */
function collect(table: DescriptorTable, wanted: readonly Subscription[], waiter: Waiter): Event[] {
  const eventsAt = (now: bigint): Event[] => {
    const events: Event[] = [];
    for (const one of wanted) {
      const event = eventOf(table, one, now);
      if (event !== undefined) events.push(event);
    }
    return events;
  };
  const first = wanted.reduce<bigint | undefined>(
    (least, { due }) => (due === undefined || (least !== undefined && least < due) ? least : due),
    undefined,
  );
  const found = waiter.wait(() => {
    const events = eventsAt(process.hrtime.bigint());
    return events.length > 0 ? events : undefined;
  }, first);
  if (typeof found === "object") return found.value;
  // Ended by shutdown, the next timer is reported as if it were due: guests that sleep take any other answer for a failure.
  return eventsAt(first ?? process.hrtime.bigint());
}

/** What is wrong with a subscription concerns its own event only. */
function eventOf(table: DescriptorTable, { userdata, type, fd, due }: Subscription, now: bigint): Event | undefined {
  if (fd === undefined) {
    if (due === undefined) return { userdata, type, error: Errno.inval };
    return due <= now ? { userdata, type, error: Errno.success } : undefined;
  }
  try {
    const readiness = table.get(fd).readiness(type === Tag.fdRead ? "read" : "write");
    return readiness === undefined ? undefined : { userdata, type, error: Errno.success, readiness };
  } catch (error) {
    if (error instanceof WasiError) return { userdata, type, error: error.errno };
    throw error;
  }
}

/** @returns `undefined` if one is of a kind that there is not */
function readSubscriptions(view: DataView, input: number, length: number): Subscription[] | undefined {
  const subscriptions: Subscription[] = [];
  for (let at = input; at < input + length * SUBSCRIPTION_SIZE; at += SUBSCRIPTION_SIZE) {
    const userdata = view.getBigUint64(at, true);
    const type = view.getUint8(at + 8);
    if (type === Tag.clock) subscriptions.push({ userdata, type, due: dueTime(view, at) });
    else if (type === Tag.fdRead || type === Tag.fdWrite)
      subscriptions.push({ userdata, type, fd: view.getUint32(at + 16, true) });
    else return undefined;
  }
  return subscriptions;
}

/** @returns `undefined` for a clock that there is not */
function dueTime(view: DataView, at: number): bigint | undefined {
  const timeout = view.getBigUint64(at + 24, true);
  const now = readClock(view.getUint32(at + 16, true));
  if (now === undefined) return undefined;
  const isAbsolute = (view.getUint16(at + 40, true) & ABSOLUTE_TIME) !== 0;
  return (readClock(Clock.monotonic) ?? 0n) + (isAbsolute ? timeout - now : timeout);
}

function writeEvent(view: DataView, at: number, { userdata, type, error, readiness }: Event): void {
  for (let i = 0; i < EVENT_SIZE; i += 8) view.setBigUint64(at + i, 0n, true);
  view.setBigUint64(at, userdata, true);
  view.setUint16(at + 8, error, true);
  view.setUint8(at + 10, type);
  if (readiness === undefined) return;
  view.setBigUint64(at + 16, readiness.bytes, true);
  view.setUint16(at + 24, readiness.hangup ? HANGUP : 0, true);
}
