import { createServer, type Server, type Socket } from "node:net";
import { Family, WILDCARD } from "../address.ts";
import type { Endpoint } from "../protocol.ts";

export interface ListenOptions {
  readonly local: Endpoint;
  readonly ipv6Only: boolean;
  readonly backlog: number;
  /** One cell: accepted connections that the guest has not picked up. */
  readonly waiting: Int32Array;
}

/** Connections that wait for a guest at most, whatever it asks for: each costs the process a file and a channel. */
const MAX_BACKLOG = 128;

/** @throws Error of Node's */
export async function listen(
  { local, ipv6Only, backlog, waiting }: ListenOptions,
  accepted: (socket: Socket) => void,
): Promise<Server> {
  const limit = Math.min(Math.max(backlog, 1), MAX_BACKLOG);
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (socket) => {
    if (Atomics.load(waiting, 0) < limit) accepted(socket);
    // What becomes of it is nobody's concern: an error of its reset must not end the thread.
    else socket.on("error", () => {}).resetAndDestroy();
  });
  // That it could not accept one, for want of files for example; it goes on.
  server.on("error", () => {});
  const { host, port } = local;
  try {
    await bind(server, host, port, ipv6Only, limit);
  } catch (error) {
    if (host !== WILDCARD[Family.inet6] || ipv6Only || !lacksIpv6(error)) throw error;
    await bind(server, WILDCARD[Family.inet], port, false, limit);
  }
  return server;
}

async function bind(server: Server, host: string, port: number, ipv6Only: boolean, backlog: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port, ipv6Only, backlog, exclusive: true }, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

/** As `error` says it on machines whose kernel has no IPv6, or has it switched off. */
export function lacksIpv6(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "EAFNOSUPPORT" || code === "EADDRNOTAVAIL";
}
