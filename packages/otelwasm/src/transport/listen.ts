import { lookup } from "node:dns/promises";
import { lstat, unlink } from "node:fs/promises";
import { connect, isIP, type ListenOptions, type Server } from "node:net";
import { formatHostPort, type HostPort } from "../config/values.ts";

/** An address and a port, or a Unix socket; `@` before its name: one of Linux that has no file. */
export type ListenAddress = (HostPort & { readonly family?: 4 | 6 | undefined }) | { readonly path: string };

/** `host:port`, or the path. */
export function formatAddress(address: ListenAddress): string {
  return "path" in address ? address.path : formatHostPort(address);
}

/**
 * Binds a server to an address. A name (`localhost`) becomes its first IPv4 address if it has one, as in the Collector; an empty host is
 * every interface. The file of a Unix socket that nobody listens on any more, as a process that was killed leaves it, is replaced.
 *
 * @returns what was bound: `host:port` with the real port, or the path
 * @throws Error that says why the address cannot be had
 */
export async function listen(server: Server, address: ListenAddress): Promise<string> {
  try {
    if ("path" in address) await bindPath(server, address.path);
    else await bind(server, await optionsOf(address));
  } catch (cause) {
    throw new Error(`cannot listen on ${formatAddress(address)}: ${reasonOf(cause)}`, { cause });
  }
  const bound = server.address();
  if ("path" in address) return address.path;
  if (bound === null || typeof bound === "string") throw new Error(`${formatAddress(address)}: bound to no port`);
  return formatHostPort({ host: bound.address, port: bound.port });
}

/** How a server that listens can be named: `http://127.0.0.1:4318`, or `unix:///run/otlp.sock`. @param bound what `listen` has returned */
export function urlOf(scheme: "http" | "https", address: ListenAddress, bound: string): string {
  return "path" in address ? `unix://${bound}` : `${scheme}://${bound}`;
}

async function optionsOf({ host, port, family }: HostPort & { readonly family?: 4 | 6 | undefined }) {
  if (host === "") {
    if (family === undefined) return { port };
    return family === 4 ? { port, host: "0.0.0.0" } : { port, host: "::", ipv6Only: true };
  }
  if (isIP(host) !== 0) return { port, host };
  const order = family === undefined ? ({ order: "ipv4first" } as const) : { family };
  return { port, host: (await lookup(host, order)).address };
}

function bind(server: Server, options: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(options, () => {
      server.removeListener("error", reject);
      resolve();
    });
  });
}

async function bindPath(server: Server, path: string): Promise<void> {
  const options = { path: path.startsWith("@") ? `\0${path.slice(1)}` : path };
  try {
    await bind(server, options);
  } catch (error) {
    if (codeOf(error) !== "EADDRINUSE" || !(await isLeftOver(path))) throw error;
    await unlink(path);
    await bind(server, options);
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

function codeOf(error: unknown): unknown {
  return typeof error === "object" && error !== null && "code" in error ? error.code : undefined;
}

function reasonOf(cause: unknown): string {
  switch (codeOf(cause)) {
    case "EADDRINUSE":
      return "the address is in use (EADDRINUSE): stop the program that has it, or choose another endpoint";
    case "EACCES":
      return "not permitted (EACCES): ports below 1024 need a privilege, Unix sockets a folder that may be written";
    case "EADDRNOTAVAIL":
      return "no interface of this machine has that address (EADDRNOTAVAIL)";
    case "ENOTFOUND":
      return "the name cannot be resolved (ENOTFOUND)";
    default:
      return cause instanceof Error ? cause.message : String(cause);
  }
}
