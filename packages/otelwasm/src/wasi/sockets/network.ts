/** The I/O thread, seen from the thread that owns plugins. */
import { MessageChannel, type MessagePort, Worker } from "node:worker_threads";
import type { Logger } from "../../component/logger.ts";
import type { NetworkGrant } from "../grants.ts";
import { wakeUp } from "../wait.ts";
import { type NetworkLink, Shared } from "./protocol.ts";
import type { Order } from "./thread/entry.ts";

/** Sources run as they stand, the published package has been compiled. */
const ENTRY = new URL(import.meta.url.endsWith(".ts") ? "./thread/entry.ts" : "./thread/entry.js", import.meta.url);

/** Milliseconds. The I/O thread itself gives up sooner: it is late only if something keeps it busy. */
const RELEASE_TIMEOUT_MS = 10_000;

/** The network of one guest. */
export interface Network {
  /** For `WasiServices.network`, on the thread that the guest runs on: its `port` is transferred there. */
  readonly link: NetworkLink;
  /**
   * Closes every socket of the guest. When it is done their ports are free. The guest's thread may have ended before, but must not go on after.
   *
   * @param logger told when the I/O thread is too busy to do it: then it is not waited for, and does it when it can
   */
  release(logger?: Pick<Logger, "warn">): Promise<void>;
}

interface Member {
  readonly link: NetworkLink;
  readonly wake: Int32Array;
  released: () => void;
  /** Once it has begun: there is one answer for all who wait for it. */
  releasing: Promise<void> | undefined;
}

/** One for the process, or rather for each thread that loads plugins. Started by the first guest that may use the network, and survives guests. */
let current: IoThread | undefined;

/**
 * @param wake what the guest waits on, see `WakeSource`
 * @returns `undefined` if nothing is granted: such a guest needs no thread
 */
export function openNetwork({ listen, connect, resolve }: NetworkGrant, wake: Int32Array): Network | undefined {
  if (listen.length + connect.length + resolve.length === 0) return undefined;
  current ??= new IoThread(() => {
    current = undefined;
  });
  return current.adopt(wake);
}

class IoThread {
  readonly #worker: Worker;
  readonly #members = new Map<number, Member>();
  #next = 0;
  #releasing = 0;

  constructor(ended: () => void) {
    // Like a guest's thread it gets nothing of this process: no environment, no options of the command line.
    this.#worker = new Worker(ENTRY, { name: "otelwasm network", env: {}, execArgv: [] });
    // What must go on is kept by its plugin; sockets alone keep no process.
    this.#worker.unref();
    this.#worker.on("message", (guest: number) => this.#forget(guest));
    this.#worker.on("error", () => {});
    this.#worker.on("exit", () => {
      ended();
      for (const guest of [...this.#members.keys()]) this.#forget(guest);
    });
  }

  adopt(wake: Int32Array): Network {
    const guest = this.#next++;
    const { port1, port2 } = new MessageChannel();
    const cells = new Int32Array(new SharedArrayBuffer(Object.keys(Shared).length * 4));
    const link: NetworkLink = { port: port1, cells };
    const member: Member = { link, wake, released: () => {}, releasing: undefined };
    this.#members.set(guest, member);
    this.#order({ order: "adopt", guest, link: { port: port2, cells, wake } }, port2);
    return { link, release: (logger) => (member.releasing ??= this.#release(guest, member, logger)) };
  }

  async #release(guest: number, member: Member, logger?: Pick<Logger, "warn">): Promise<void> {
    if (this.#members.get(guest) !== member) return;
    if (this.#releasing++ === 0) this.#worker.ref();
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => {
        const limit = `within ${RELEASE_TIMEOUT_MS / 1000} s`;
        logger?.warn(
          `the thread of the sockets has not closed those of the plugin ${limit}: ports that it listened on are in use until it does; if that lasts, restart the Collector`,
        );
        resolve();
      }, RELEASE_TIMEOUT_MS);
      member.released = () => {
        clearTimeout(timer);
        resolve();
      };
      this.#order({ order: "release", guest });
    });
    if (--this.#releasing === 0) this.#worker.unref();
  }

  #order(order: Order, ...transfer: MessagePort[]): void {
    this.#worker.postMessage(order, transfer);
  }

  /** The guest's sockets are gone, and it is told, if it is still there. */
  #forget(guest: number): void {
    const member = this.#members.get(guest);
    if (member === undefined) return;
    this.#members.delete(guest);
    Atomics.store(member.link.cells, Shared.gone, 1);
    wakeUp(member.wake);
    member.released();
  }
}
