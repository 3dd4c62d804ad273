import type { BlockList } from "node:net";
import { networkInterfaces } from "node:os";
import { Errno, WasiError } from "../errno.ts";
import type { NetworkGrant } from "../grants.ts";
import type { Refusals } from "../refusals.ts";
import { Family, formatEndpoint, WILDCARD } from "./address.ts";
import {
  ALL_ADDRESSES,
  canonicalName,
  contains,
  type EndpointPattern,
  endpointMatches,
  isPublic,
  isWildcard,
  type NamePattern,
  nameMatches,
  networksOf,
  parseEndpointPattern,
  parseNamePattern,
  portMatches,
} from "./grants.ts";
import type { Endpoint } from "./protocol.ts";

/** Addresses whose names are remembered; the oldest are forgotten first. */
const MAX_REMEMBERED = 4096;

/** Names that an address is remembered by: whoever answers for a domain could have one address under names without an end. */
const MAX_NAMES = 64;

const LOOPBACK_OF: ReadonlyMap<string, string> = new Map([
  [WILDCARD[Family.inet], "127.0.0.1"],
  [WILDCARD[Family.inet6], "::1"],
]);

/** To connect to the wildcard is to connect to this machine, and is judged as that. */
export function reached({ host, port }: Endpoint): Endpoint {
  return { host: LOOPBACK_OF.get(host) ?? host, port };
}

/**
 * What one guest may do on the network. What it may not is told once, with the grant that it would take.
 *
 * An address is granted by itself, by a block, or by a name that the host has resolved to it for this guest. A name grants public addresses only:
 * whoever answers for the name must not be able to open the way to this machine or to the networks around it. Those are granted by their addresses.
 */
export class Policy {
  readonly #listen: readonly EndpointPattern[];
  readonly #connect: readonly EndpointPattern[];
  readonly #resolve: readonly NamePattern[];
  readonly #refusals: Refusals;
  readonly #interfaces: typeof networkInterfaces;
  /** Names by the address that they were resolved to. */
  readonly #names = new Map<string, Set<string>>();
  /** The networks that this machine is on, as of the last name that was resolved. */
  #around: BlockList = ALL_ADDRESSES;

  /**
   * @param interfaces of this machine
   * @throws Error if a pattern is none, which `networkProblems` says before
   */
  constructor(
    { listen, connect, resolve }: NetworkGrant,
    refusals: Refusals,
    interfaces: typeof networkInterfaces = networkInterfaces,
  ) {
    this.#listen = listen.map((text) => parseEndpointPattern(text, "listen"));
    this.#connect = connect.map((text) => parseEndpointPattern(text, "connect"));
    this.#resolve = resolve.map(parseNamePattern);
    this.#refusals = refusals;
    this.#interfaces = interfaces;
  }

  /**
   * @returns what to listen on: the address, or 0.0.0.0 where `::` would take IPv6, too, and only IPv4 is granted; `undefined` if neither
   */
  mayListen(local: Endpoint): Endpoint | undefined {
    const grants = (endpoint: Endpoint): boolean =>
      this.#listen.some((pattern) =>
        // The wildcard is all addresses of its kind: a pattern that names only some of them does not grant it.
        isWildcard(endpoint.host)
          ? portMatches(pattern, endpoint.port) && coversAll(pattern, endpoint.host)
          : endpointMatches(pattern, endpoint),
      );
    if (grants(local)) return local;
    const narrowed = { host: WILDCARD[Family.inet], port: local.port };
    return local.host === WILDCARD[Family.inet6] && grants(narrowed) ? narrowed : undefined;
  }

  /** @throws WasiError `acces` */
  listen(local: Endpoint): Endpoint {
    const granted = this.mayListen(local);
    if (granted !== undefined) return granted;
    const host = isWildcard(local.host) ? "*" : local.host;
    const pattern = formatEndpoint(host, local.port);
    const what = formatEndpoint(local.host, local.port);
    this.#refuse(`listen ${what}`, `listen on ${what}`, "listen", pattern);
  }

  mayConnect(remote: Endpoint): boolean {
    const endpoint = reached(remote);
    if (this.#connect.some((pattern) => endpointMatches(pattern, endpoint))) return true;
    if (!isPublic(endpoint.host) || contains(this.#around, endpoint.host)) return false;
    return this.#grantedNames(endpoint).length > 0;
  }

  /** @throws WasiError `acces` */
  connect(remote: Endpoint): void {
    if (this.mayConnect(remote)) return;
    const endpoint = reached(remote);
    const pattern = formatEndpoint(endpoint.host, endpoint.port);
    const [name] = this.#grantedNames(endpoint);
    const why =
      name === undefined
        ? ""
        : ` (${name} resolved to it, but a name grants public addresses only, and this one is of the machine or of a network around it)`;
    this.#refuse(`connect ${pattern}`, `connect to ${pattern}${why}`, "connect", pattern);
  }

  /** @param name as the guest gives it @throws WasiError `acces` */
  resolve(name: string): void {
    const canonical = canonicalName(name);
    // Of the machine, known to all.
    if (canonical === "localhost") return;
    if (this.#resolve.some((pattern) => nameMatches(pattern, canonical))) return;
    if (this.#connect.some(({ host }) => nameMatches(host, canonical))) return;
    this.#refuse(`resolve ${canonical}`, `resolve ${JSON.stringify(name)}`, "resolve", canonical);
  }

  /** What the host has resolved a name to. */
  remember(name: string, addresses: readonly string[]): void {
    const canonical = canonicalName(name);
    // Others grant nothing.
    if (!this.#connect.some(({ host }) => host.kind === "name" && nameMatches(host, canonical))) return;
    // Machines move: a public address may be this one's own, or next to it, from one day to the next.
    this.#around = this.#readNetworks();
    for (const address of addresses) {
      const names = this.#names.get(address) ?? new Set();
      names.delete(canonical);
      names.add(canonical);
      for (const oldest of names) {
        if (names.size <= MAX_NAMES) break;
        names.delete(oldest);
      }
      this.#names.delete(address);
      this.#names.set(address, names);
    }
    for (const [oldest] of this.#names) {
      if (this.#names.size <= MAX_REMEMBERED) return;
      this.#names.delete(oldest);
    }
  }

  #readNetworks(): BlockList {
    try {
      return networksOf(this.#interfaces());
    } catch (error) {
      const message = `the networks that this machine is on cannot be read (${error}), and names in "connect" of "network" grant nothing: let the process open sockets of AF_NETLINK, or grant addresses`;
      this.#refusals.tell("network interfaces", message);
      return ALL_ADDRESSES;
    }
  }

  #grantedNames({ host, port }: Endpoint): string[] {
    return [...(this.#names.get(host) ?? [])].filter((name) =>
      this.#connect.some((pattern) => portMatches(pattern, port) && nameMatches(pattern.host, name)),
    );
  }

  #refuse(grant: string, what: string, key: keyof NetworkGrant, pattern: string): never {
    const message = `the plugin was refused to ${what}: to grant it, write ${JSON.stringify(pattern)} to "${key}" in "network"`;
    this.#refusals.tell(`network ${grant}`, message);
    throw new WasiError(Errno.acces, message);
  }
}

function coversAll({ host }: EndpointPattern, wildcard: string): boolean {
  if (host.kind !== "addresses") return host.kind === "any";
  // What covers the first and the last address of a kind covers it all: a pattern is one block.
  const all = wildcard === WILDCARD[Family.inet] ? ["0.0.0.0", "255.255.255.255"] : ["::1", `ffff${":ffff".repeat(7)}`];
  return all.every((address) => host.addresses.check(address, address.includes(":") ? "ipv6" : "ipv4"));
}
