import { lookup } from "node:dns/promises";
import { isIP, type Server } from "node:net";
import type { Ports } from "../component/ports.ts";
import { formatHostPort, type HostPort } from "../config/values.ts";

/**
 * Binds a server to an address. A name (`localhost`) becomes its first IPv4 address if it has one, as in the Collector; an empty host is
 * every interface.
 *
 * @param ports of the collector that the server belongs to: it may hand over a port that is in use
 * @returns what was bound, `host:port` with the real port
 * @throws Error that says why the address cannot be had
 */
export async function listen(server: Server, address: HostPort, ports?: Ports): Promise<string> {
  if (ports !== undefined) return ports.listen(server, address);
  try {
    await bind(server, await resolveHost(address));
  } catch (cause) {
    throw cannotListen(address, cause);
  }
  return boundTo(server, address);
}

/** The address as the system wants it: no name. */
export async function resolveHost(address: HostPort): Promise<HostPort> {
  const { host, port } = address;
  if (host === "" || isIP(host) !== 0) return address;
  return { host: (await lookup(host, { order: "ipv4first" })).address, port };
}

/** @param address resolved @throws the system's error */
export async function bind(server: Server, { host, port }: HostPort): Promise<void> {
  await listening(server, () => server.listen({ port, ...(host === "" ? {} : { host }) }));
}

/** @param begin calls `listen` */
export async function listening(server: Server, begin: () => void): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const done = (): void => {
      server.removeListener("error", failed);
      resolve();
    };
    const failed = (error: Error): void => {
      server.removeListener("listening", done);
      reject(error);
    };
    server.once("listening", done);
    server.once("error", failed);
    begin();
  });
}

/** @returns `host:port` */
export function boundTo(server: Server, address: HostPort): string {
  const bound = server.address();
  if (bound === null || typeof bound === "string") throw new Error(`${formatHostPort(address)}: bound to no port`);
  return formatHostPort({ host: bound.address, port: bound.port });
}

export function cannotListen(address: HostPort, cause: unknown): Error {
  return new Error(`cannot listen on ${formatHostPort(address)}: ${reasonOf(cause)}`, { cause });
}

export function codeOf(cause: unknown): unknown {
  return typeof cause === "object" && cause !== null && "code" in cause ? cause.code : undefined;
}

function reasonOf(cause: unknown): string {
  switch (codeOf(cause)) {
    case "EADDRINUSE":
      return "the address is in use (EADDRINUSE): stop the program that has it, or choose another endpoint";
    case "EACCES":
      return "not permitted (EACCES): ports below 1024 need a privilege";
    case "EADDRNOTAVAIL":
      return "no interface of this machine has that address (EADDRNOTAVAIL)";
    case "ENOTFOUND":
      return "the name cannot be resolved (ENOTFOUND)";
    default:
      return cause instanceof Error ? cause.message : String(cause);
  }
}
