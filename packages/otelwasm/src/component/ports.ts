import type { Server } from "node:net";
import type { HostPort } from "../config/values.ts";

/**
 * Where the components of a collector listen. When a configuration takes the place of another, a component gets the port of the one that it replaces without a moment in
 * which nobody listens: who connects is served by the one or by the other.
 */
export interface Ports {
  /**
   * Binds a server to an address, as `transport/listen.ts` says. A server that has lost its port to another does not listen any more, and has its connections still:
   * `close` waits for them.
   *
   * @returns what was bound, `host:port` with the real port
   * @throws Error that says why the address cannot be had
   */
  listen(server: Server, address: HostPort): Promise<string>;
}
