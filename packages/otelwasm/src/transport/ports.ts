import type { Server } from "node:net";
import type { ListenAddress, Ports } from "../component/ports.ts";
import { bind, boundTo, cannotListen, codeOf, listening, resolveHost } from "./listen.ts";

/** Who listens: any object, one for each component. */
type Owner = object;

/** What an owner listens on. */
interface Held {
  readonly owner: Owner;
  readonly server: Server;
  /** Resolved. */
  readonly address: ListenAddress;
}

/** What somebody has that listens elsewhere. */
interface Sharing {
  readonly owner: Owner;
  readonly shared: object;
  /** As it was asked for. */
  readonly address: ListenAddress;
  /** Makes it serve the owner. */
  readonly serve: () => void;
}

/** A port that went from one to another. */
interface Takeover {
  readonly from: Held;
  readonly to: Server;
}

/** The system's listening socket in a server. `net.Server` takes one over from "anything with an underlying `_handle`"; to part with it is not in its types. */
interface Handle {
  close(): void;
}

/** All ports of a collector. */
export class PortRegistry {
  readonly #held: Set<Held> = new Set();
  #leaving: ReadonlySet<Owner> = new Set();
  #takeovers: Takeover[] = [];
  #sharings: readonly Sharing[] = [];
  /** Before anybody has taken one over. */
  #offered: readonly Sharing[] = [];

  /** The ports of one component. */
  of(owner: Owner): Ports {
    return {
      listen: (server, address) => this.#listen(owner, server, address),
      share: (address, usable, open, serve) => this.#share(owner, address, usable, open, serve),
      release: (shared) => this.#release(owner, shared),
    };
  }

  /** From now on these owners' ports go to whoever wants to listen there: until `settle` or `giveBack`. */
  offer(leaving: ReadonlySet<Owner>): void {
    this.#leaving = leaving;
    this.#offered = this.#sharings;
  }

  /** Who has taken a port over keeps it. */
  settle(): void {
    this.#leaving = new Set();
    this.#takeovers = [];
    this.#offered = [];
  }

  /** Who has lost a port gets it again. @throws AggregateError of what the system says against it */
  async giveBack(): Promise<void> {
    const takeovers = this.#takeovers.toReversed();
    for (const before of this.#offered.filter((each) => !this.#sharings.includes(each))) {
      this.#sharings = [...this.#sharings.filter(({ shared }) => shared !== before.shared), before];
      before.serve();
    }
    this.settle();
    const failures: unknown[] = [];
    for (const { from, to } of takeovers) {
      await this.#handOver(to, from).catch((error: unknown) => failures.push(cannotListen(from.address, error)));
    }
    if (failures.length > 0) throw new AggregateError(failures, failures.map(String).join("; "));
  }

  async #listen(owner: Owner, server: Server, address: ListenAddress): Promise<string> {
    try {
      const held: Held = { owner, server, address: await resolveHost(address) };
      const from = this.#leavingAt(held.address);
      if (from !== undefined && isSame(from.address, held.address)) await this.#take(from, held);
      else {
        await bind(server, held.address).catch(async (error: unknown) => {
          // The port is the same, the host is not: 127.0.0.1 may be in the way of all interfaces.
          if (from === undefined || codeOf(error) !== "EADDRINUSE") throw error;
          await this.#take(from, held);
        });
      }
      this.#keep(held);
    } catch (cause) {
      throw cannotListen(address, cause);
    }
    return boundTo(server, address);
  }

  async #share<T extends object>(
    owner: Owner,
    address: ListenAddress,
    usable: (found: object) => found is T,
    open: () => Promise<T>,
    serve: (shared: T) => void,
  ): Promise<T> {
    const before = this.#sharings.find((each) => this.#leaving.has(each.owner) && isShareable(each.address, address));
    const found = before !== undefined && usable(before.shared) ? before.shared : undefined;
    const shared = found ?? (await open());
    const sharing = { owner, shared, address, serve: () => serve(shared) };
    this.#sharings = [...this.#sharings.filter((each) => each.shared !== shared), sharing];
    sharing.serve();
    return shared;
  }

  #release(owner: Owner, shared: object): boolean {
    const own = this.#sharings.find((each) => each.shared === shared && each.owner === owner);
    this.#sharings = this.#sharings.filter((each) => each !== own);
    return own !== undefined;
  }

  /** Who is about to leave a port; port 0 is a new one for everybody. */
  #leavingAt(wanted: ListenAddress): Held | undefined {
    const found = [...this.#held].filter((held) => hasSamePort(held.address, wanted) && this.#leaving.has(held.owner));
    return found.find(({ server }) => server.listening);
  }

  async #take(from: Held, to: Held): Promise<void> {
    this.#takeovers.push({ from, to: to.server });
    await this.#handOver(from.server, to);
  }

  /** The very socket if the address is the same, so that no connection is refused; otherwise one is closed and another opened. */
  async #handOver(from: Server, { server, address }: Held): Promise<void> {
    const same = [...this.#held].some((held) => held.server === from && isSame(held.address, address));
    const handle = handleOf(from);
    if (handle === undefined) return bind(server, address);
    Reflect.set(from, "_handle", null);
    // Node takes over no socket of a path. Closing it takes its file away.
    if (same && !("path" in address)) await listening(server, () => server.listen({ _handle: handle }));
    else {
      handle.close();
      await bind(server, address);
    }
  }

  #keep(held: Held): void {
    this.#held.add(held);
    held.server.once("close", () => this.#held.delete(held));
  }
}

function isShareable(one: ListenAddress, other: ListenAddress): boolean {
  return isSame(one, other) && !("port" in one && one.port === 0);
}

function hasSamePort(one: ListenAddress, other: ListenAddress): boolean {
  if ("path" in one || "path" in other) return isSame(one, other);
  return one.port === other.port && one.port !== 0;
}

function isSame(one: ListenAddress, other: ListenAddress): boolean {
  if ("path" in one || "path" in other) return "path" in one && "path" in other && one.path === other.path;
  return one.host === other.host && one.family === other.family && one.port === other.port;
}

function handleOf(server: Server): Handle | undefined {
  const handle: unknown = Reflect.get(server, "_handle");
  const usable = typeof handle === "object" && handle !== null && "close" in handle;
  return usable ? (handle as Handle) : undefined;
}
