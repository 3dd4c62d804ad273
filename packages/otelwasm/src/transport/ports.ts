import type { Server } from "node:net";
import type { Ports } from "../component/ports.ts";
import type { HostPort } from "../config/values.ts";
import { bind, boundTo, cannotListen, codeOf, listening, resolveHost } from "./listen.ts";

/** Who listens: any object, one for each component. */
type Owner = object;

/** What an owner listens on. */
interface Held {
  readonly owner: Owner;
  readonly server: Server;
  /** Resolved. */
  readonly address: HostPort;
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

  /** The ports of one component. */
  of(owner: Owner): Ports {
    return { listen: (server, address) => this.#listen(owner, server, address) };
  }

  /** From now on these owners' ports go to whoever wants to listen there: until `settle` or `giveBack`. */
  offer(leaving: ReadonlySet<Owner>): void {
    this.#leaving = leaving;
  }

  /** Who has taken a port over keeps it. */
  settle(): void {
    this.#leaving = new Set();
    this.#takeovers = [];
  }

  /** Who has lost a port gets it again. @throws AggregateError of what the system says against it */
  async giveBack(): Promise<void> {
    const takeovers = this.#takeovers.toReversed();
    this.settle();
    const failures: unknown[] = [];
    for (const { from, to } of takeovers) {
      await this.#handOver(to, from).catch((error: unknown) => failures.push(cannotListen(from.address, error)));
    }
    if (failures.length > 0) throw new AggregateError(failures, failures.map(String).join("; "));
  }

  async #listen(owner: Owner, server: Server, address: HostPort): Promise<string> {
    try {
      const held: Held = { owner, server, address: await resolveHost(address) };
      const from = this.#leavingAt(held.address);
      if (from?.address.host === held.address.host) await this.#take(from, held);
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

  /** Who is about to leave a port; port 0 is a new one for everybody. */
  #leavingAt({ port }: HostPort): Held | undefined {
    const found = [...this.#held].filter((held) => held.address.port === port && this.#leaving.has(held.owner));
    return port === 0 ? undefined : found.find(({ server }) => server.listening);
  }

  async #take(from: Held, to: Held): Promise<void> {
    this.#takeovers.push({ from, to: to.server });
    await this.#handOver(from.server, to);
  }

  /** The very socket if the address is the same, so that no connection is refused; otherwise one is closed and another opened. */
  async #handOver(from: Server, { server, address }: Held): Promise<void> {
    const same = [...this.#held].some((held) => held.server === from && held.address.host === address.host);
    const handle = handleOf(from);
    if (handle === undefined) return bind(server, address);
    Reflect.set(from, "_handle", null);
    if (same) await listening(server, () => server.listen({ _handle: handle }));
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

function handleOf(server: Server): Handle | undefined {
  const handle: unknown = Reflect.get(server, "_handle");
  const usable = typeof handle === "object" && handle !== null && "close" in handle;
  return usable ? (handle as Handle) : undefined;
}
