import type { Server } from "node:net";
import type { HostPort } from "../config/host-port.ts";

/** An address and a port, or a Unix socket; `@` before its name: one of Linux that has no file. */
export type ListenAddress = (HostPort & { readonly family?: 4 | 6 | undefined }) | { readonly path: string };

/**
 * Where the components of a collector listen. When a configuration takes the place of another, a component gets the port of the one that it replaces without a moment in
 * which nobody listens: who connects is served by the one or by the other.
 */
export interface Ports {
  /**
   * Binds a server to an address, as `transport/listen.ts` says. A server that has lost its port to another does not listen any more, and has its connections still:
   * `close` waits for them.
   *
   * @returns what was bound, `host:port` with the real port, or the path
   * @throws Error that says why the address cannot be had
   */
  listen(server: Server, address: ListenAddress): Promise<string>;
  /**
   * For what listens elsewhere than in a server of this thread: the one of the component that is replaced, if it listens on the address, or a new one.
   *
   * @param usable whether what is found there can serve this component
   * @param open makes a new one, which listens
   * @param serve makes it serve this component: called when it has it, and when it has it again
   */
  share<T extends object>(
    address: ListenAddress,
    usable: (found: object) => found is T,
    open: () => Promise<T>,
    serve: (shared: T) => void,
  ): Promise<T>;
  /** @returns whether it is this component that has to close it: no other has it now */
  release(shared: object): boolean;
}
