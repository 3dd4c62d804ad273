import { Descriptor, Fdflags } from "../descriptor.ts";
import { Errno, WasiError } from "../errno.ts";
import { Right } from "../rights.ts";
import type { Waiter } from "../wait.ts";
import type { InetFamily } from "./address.ts";
import type { NetworkClient } from "./client.ts";
import type { Policy } from "./policy.ts";
import type { Endpoint } from "./protocol.ts";

const SOCKET_RIGHTS: bigint =
  Right.fdRead |
  Right.fdWrite |
  Right.fdFdstatSetFlags |
  Right.fdFilestatGet |
  Right.pollFdReadwrite |
  Right.sockShutdown |
  Right.sockAccept;

/** What the sockets of one instance have in common. */
export interface SocketHost {
  readonly policy: Policy;
  readonly waiter: Waiter;
  /** @throws WasiError `acces` if the guest has no network: whoever may use some of it has one */
  client(): NetworkClient;
}

/** `sock_recv`'s flags and what it says of the data, as bits. */
export const ReceiveFlag = { peek: 1, waitAll: 2 } as const;
export const ReceivedFlag = { truncated: 1 } as const;

export interface Received {
  /** Bytes. */
  readonly size: number;
  /** Where a datagram came from. */
  readonly from?: Endpoint;
  /** The datagram was longer than the buffers. */
  readonly truncated?: boolean;
}

/** Names as the configuration of a socket, not of any operating system. */
export type BooleanOption = "reuseAddress" | "broadcast" | "keepAlive" | "noDelay" | "ipv6Only";

/** One for all: guests that do not block ask until there is nothing more, and an error of its own, with a stack, costs more than the rest of the call. */
const AGAIN = new WasiError(Errno.again);

/** Everything here throws `WasiError`. */
export abstract class Socket extends Descriptor {
  readonly family: InetFamily;
  protected readonly host: SocketHost;
  protected readonly options: Map<BooleanOption, boolean> = new Map();
  /** What was asked for; `undefined` before `bind`. */
  protected bound: Endpoint | undefined;

  constructor(host: SocketHost, family: InetFamily) {
    super(SOCKET_RIGHTS);
    this.host = host;
    this.family = family;
  }

  /** Whether it accepts connections. */
  get listening(): boolean {
    return false;
  }

  abstract bind(local: Endpoint): void;
  abstract connect(remote: Endpoint): void;
  abstract listen(backlog: number): void;
  abstract accept(flags: number): Socket;
  abstract local(): Endpoint;
  abstract peer(): Endpoint;
  /** @param flags bits of `ReceiveFlag` */
  abstract receive(buffers: readonly Uint8Array[], flags: number): Received;
  abstract send(buffers: readonly Uint8Array[], to: Endpoint | undefined): number;
  abstract shutdown(how: { readonly receive: boolean; readonly send: boolean }): void;
  /** `SO_ERROR`: an error that was not told yet, which is told by this. */
  abstract takeError(): Errno;
  protected abstract applied(option: BooleanOption, value: boolean): void;

  option(name: BooleanOption): boolean {
    return this.options.get(name) ?? false;
  }

  setOption(name: BooleanOption, value: boolean): void {
    this.options.set(name, value);
    this.applied(name, value);
  }

  override read(buffers: readonly Uint8Array[]): number {
    return this.receive(buffers, 0).size;
  }

  override write(buffers: readonly Uint8Array[]): number {
    return this.send(buffers, undefined);
  }

  /**
   * @param attempt asked until it gives something
   * @throws WasiError `again` at once if the descriptor does not block; `intr` if shutdown is requested
   */
  protected blocking<T>(attempt: () => T | undefined): T {
    if ((this.flags & Fdflags.nonblock) !== 0) {
      const value = attempt();
      if (value === undefined) throw AGAIN;
      return value;
    }
    const found = this.host.waiter.wait(attempt);
    if (typeof found === "string") throw new WasiError(Errno.intr);
    return found.value;
  }
}

export function sizeOf(buffers: readonly Uint8Array[]): number {
  return buffers.reduce((sum, { length }) => sum + length, 0);
}
