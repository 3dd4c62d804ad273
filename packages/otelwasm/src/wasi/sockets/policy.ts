import { Errno, WasiError } from "../errno.ts";
import type { NetworkGrant } from "../grants.ts";
import type { Refusals } from "../refusals.ts";
import { Family, formatEndpoint, WILDCARD } from "./address.ts";
import {
  canonicalName,
  type EndpointPattern,
  endpointMatches,
  isPublic,
  isWildcard,
  type NamePattern,
  nameMatches,
  parseEndpointPattern,
  parseNamePattern,
  portMatches,
} from "./grants.ts";
import type { Endpoint } from "./protocol.ts";

/** Addresses whose names are remembered; the oldest are forgotten first. */
const MAX_REMEMBERED = 4096;

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
  /** Names by the address that they were resolved to. */
  readonly #names = new Map<string, Set<string>>();

  /** @throws Error if a pattern is none, which `networkProblems` says before */
  constructor({ listen, connect, resolve }: NetworkGrant, refusals: Refusals) {
    this.#listen = listen.map((text) => parseEndpointPattern(text, "listen"));
    this.#connect = connect.map((text) => parseEndpointPattern(text, "connect"));
    this.#resolve = resolve.map(parseNamePattern);
    this.#refusals = refusals;
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
    return isPublic(endpoint.host) && this.#grantedNames(endpoint).length > 0;
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
    for (const address of addresses) {
      const names = this.#names.get(address) ?? new Set();
      names.add(canonicalName(name));
      this.#names.delete(address);
      this.#names.set(address, names);
    }
    for (const [oldest] of this.#names) {
      if (this.#names.size <= MAX_REMEMBERED) return;
      this.#names.delete(oldest);
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
