/** The I/O thread of the process: all sockets of all guests are here. */
import { parentPort } from "node:worker_threads";
import { type GuestLink, GuestSockets } from "./guest.ts";

/** From the thread that owns the guests. */
export type Order =
  | { readonly order: "adopt"; readonly guest: number; readonly link: GuestLink }
  /** Answered with the guest's number when nothing of it is left. */
  | { readonly order: "release"; readonly guest: number };

if (parentPort === null) throw new Error("entry.ts is the main module of a worker thread");
const owner = parentPort;
const guests = new Map<number, GuestSockets>();
owner.on("message", (order: Order) => {
  if (order.order === "adopt") {
    guests.set(order.guest, new GuestSockets(order.link));
    return;
  }
  const guest = guests.get(order.guest);
  guests.delete(order.guest);
  void guest?.end().then(() => owner.postMessage(order.guest));
});
