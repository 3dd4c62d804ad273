import { lookup } from "node:dns/promises";
import { isIP, type Server } from "node:net";
import { formatHostPort, type HostPort } from "../config/values.ts";

/**
 * Binds a server to an address. A name (`localhost`) becomes its first IPv4 address if it has one, as in the Collector; an empty host is
 * every interface.
 *
 * @returns what was bound, `host:port` with the real port
 * @throws Error that says why the address cannot be had
 */
export async function listen(server: Server, address: HostPort): Promise<string> {
  try {
    const host =
      address.host === "" || isIP(address.host) !== 0
        ? address.host
        : (await lookup(address.host, { order: "ipv4first" })).address;
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen({ port: address.port, ...(host === "" ? {} : { host }) }, () => {
        server.removeListener("error", reject);
        resolve();
      });
    });
  } catch (cause) {
    throw new Error(`cannot listen on ${formatHostPort(address)}: ${reasonOf(cause)}`, { cause });
  }
  const bound = server.address();
  if (bound === null || typeof bound === "string") throw new Error(`${formatHostPort(address)}: bound to no port`);
  return formatHostPort({ host: bound.address, port: bound.port });
}

function reasonOf(cause: unknown): string {
  const code = typeof cause === "object" && cause !== null && "code" in cause ? cause.code : undefined;
  switch (code) {
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
