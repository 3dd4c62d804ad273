import { lookup } from "node:dns/promises";
import { lstat, unlink } from "node:fs/promises";
import { connect, isIP, type Server } from "node:net";
import type { ListenAddress, Ports } from "../component/ports.ts";
import { formatHostPort } from "../config/host-port.ts";

/**
 * Binds a server to an address. A name (`localhost`) becomes its first IPv4 address if it has one, as in the Collector; an empty host is
 * every interface. The file of a Unix socket that nobody listens on any more, as a process that was killed leaves it, is replaced.
 *
 * @param ports of the collector that the server belongs to: it may hand over a port that is in use
 * @returns what was bound: `host:port` with the real port, or the path
 * @throws Error that says why the address cannot be had
 */
export async function listen(server: Server, address: ListenAddress, ports?: Ports): Promise<string> {
  if (ports !== undefined) return ports.listen(server, address);
  try {
    await bind(server, await resolveHost(address));
  } catch (cause) {
    throw cannotListen(address, cause);
  }
  return boundTo(server, address);
}

/** How a server that listens can be named: `http://127.0.0.1:4318`, or `unix:///run/otlp.sock`. @param bound what `listen` has returned */
export function urlOf(scheme: "http" | "https", address: ListenAddress, bound: string): string {
  return "path" in address ? `unix://${bound}` : `${scheme}://${bound}`;
}

/** The address as the system wants it: no name. */
export async function resolveHost(address: ListenAddress): Promise<ListenAddress> {
  if ("path" in address) return address;
  const { host, port, family } = address;
  if (host === "" || isIP(host) !== 0) return address;
  const order = family === undefined ? ({ order: "ipv4first" } as const) : { family };
  return { host: (await lookup(host, order)).address, port };
}

/** @param address resolved @throws the system's error */
export async function bind(server: Server, address: ListenAddress): Promise<void> {
  if ("path" in address) {
    await bindPath(server, address.path);
    return;
  }
  const { host, port, family } = address;
  const all = family === undefined ? {} : family === 4 ? { host: "0.0.0.0" } : { host: "::", ipv6Only: true };
  await listening(server, () => server.listen({ port, ...(host === "" ? all : { host }) }));
}

async function bindPath(server: Server, path: string): Promise<void> {
  const options = { path: path.startsWith("@") ? `\0${path.slice(1)}` : path };
  try {
    await listening(server, () => server.listen(options));
  } catch (error) {
    if (codeOf(error) !== "EADDRINUSE" || !(await isLeftOver(path))) throw error;
    await unlink(path);
    await listening(server, () => server.listen(options));
  }
}

/** Whether it is the file of a socket that nobody listens on. */
async function isLeftOver(path: string): Promise<boolean> {
  if (path.startsWith("@") || !(await lstat(path)).isSocket()) return false;
  return await new Promise((resolve) => {
    const socket = connect({ path });
    socket.on("connect", () => {
      socket.destroy();
      resolve(false);
    });
    socket.on("error", (error) => resolve(codeOf(error) === "ECONNREFUSED"));
  });
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

/** @returns `host:port`, or the path */
export function boundTo(server: Server, address: ListenAddress): string {
  if ("path" in address) return address.path;
  const bound = server.address();
  if (bound === null || typeof bound === "string") throw new Error(`${formatHostPort(address)}: bound to no port`);
  return formatHostPort({ host: bound.address, port: bound.port });
}

export function cannotListen(address: ListenAddress, cause: unknown): Error {
  return new Error(
    `cannot listen on ${"path" in address ? address.path : formatHostPort(address)}: ${reasonOf(cause)}`,
    { cause },
  );
}

export function codeOf(cause: unknown): unknown {
  return typeof cause === "object" && cause !== null && "code" in cause ? cause.code : undefined;
}

function reasonOf(cause: unknown): string {
  switch (codeOf(cause)) {
    case "EADDRINUSE":
      return "the address is in use (EADDRINUSE): stop the program that has it, or choose another endpoint";
    case "EACCES":
      return "not permitted (EACCES): ports below 1024 need a privilege, and Unix sockets a folder that may be written";
    case "EADDRNOTAVAIL":
      return "no interface of this machine has that address (EADDRNOTAVAIL)";
    case "ENOTFOUND":
      return "the name cannot be resolved (ENOTFOUND)";
    default:
      return cause instanceof Error ? cause.message : String(cause);
  }
}
