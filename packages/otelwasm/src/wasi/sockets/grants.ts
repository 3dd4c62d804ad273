/**
 * How a guest's use of the network is granted: patterns of `HOST:PORT`, read here, asked in `policy.ts`.
 *
 * - HOST is an IPv4 address, an IPv6 address in brackets, a block of them in CIDR notation (`10.0.0.0/8`, `[fd00::/8]`), or `*` for any.
 *   `localhost` is every loopback address. To connect to, it may be a name, or `*.example.com` for the names below a domain.
 * - PORT is a number, a range (`8000-8010`), or `*` for any.
 * - `*` alone is any host and any port.
 */
import { BlockList, isIP } from "node:net";
import type { networkInterfaces } from "node:os";
import type { NetworkGrant } from "../grants.ts";
import type { Endpoint } from "./protocol.ts";

/** Which hosts: addresses, or those that a name resolves to. */
export type HostPattern =
  | { readonly kind: "any" }
  | { readonly kind: "addresses"; readonly addresses: BlockList }
  /** @property suffix with its leading dot, for the names below a domain */
  | { readonly kind: "name"; readonly name: string; readonly suffix: string | undefined };

export interface EndpointPattern {
  readonly host: HostPattern;
  readonly firstPort: number;
  readonly lastPort: number;
}

export type NamePattern = Exclude<HostPattern, { readonly kind: "addresses" }>;

/** What is wrong with a pattern. */
class PatternError extends Error {
  override readonly name = "PatternError";
}

const ANY: HostPattern = { kind: "any" };

/** @throws PatternError */
export function parseEndpointPattern(text: string, use: "listen" | "connect"): EndpointPattern {
  if (text === "*") return { host: ANY, firstPort: 0, lastPort: 65_535 };
  const { host, port } = splitPattern(text, use);
  return { host: parseHost(host, use), ...parsePort(port, text) };
}

/** @throws PatternError */
export function parseNamePattern(text: string): NamePattern {
  const host = text === "*" ? ANY : nameOrUndefined(text);
  if (host === undefined || host.kind === "addresses")
    throw new PatternError(`${JSON.stringify(text)} is no name: write a name, *.example.com for all below it, or *`);
  return host;
}

/** What is wrong with a pattern; `undefined` if nothing is. */
export function patternProblem(key: keyof NetworkGrant, text: string): string | undefined {
  try {
    if (key === "resolve") parseNamePattern(text);
    else parseEndpointPattern(text, key);
    return undefined;
  } catch (error) {
    if (error instanceof PatternError) return error.message;
    throw error;
  }
}

/** Everything that is wrong with the patterns, each with the key that it stands under. */
export function networkProblems(network: NetworkGrant): string[] {
  return (["listen", "connect", "resolve"] as const).flatMap((key) =>
    network[key].flatMap((text, i) => {
      const problem = patternProblem(key, text);
      return problem === undefined ? [] : [`network::${key}::${i}: ${problem}`];
    }),
  );
}

function splitPattern(text: string, use: string): { readonly host: string; readonly port: string } {
  const example = use === "listen" ? "127.0.0.1:4318 or *:4318" : "api.example.com:443 or 10.0.0.0/8:*";
  const quoted = JSON.stringify(text);
  if (text.includes("://")) throw new PatternError(`${quoted} is a URL: write HOST:PORT, such as ${example}`);
  const colon = text.lastIndexOf(":");
  const host = text.slice(0, Math.max(colon, 0));
  if (text.startsWith("[")) {
    const end = text.indexOf("]");
    if (end < 0) throw new PatternError(`${quoted} has no "]" after the IPv6 address`);
    if (text[end + 1] === ":") return { host: text.slice(0, end + 1), port: text.slice(end + 2) };
    throw new PatternError(`${quoted} has no port: write [ADDRESS]:PORT, with * for any port`);
  }
  if (host.includes(":"))
    throw new PatternError(`${quoted}: an IPv6 address must be in brackets: [${host}]:${text.slice(colon + 1)}`);
  if (colon < 0) throw new PatternError(`${quoted} has no port: write HOST:PORT, such as ${example}`);
  if (host === "") throw new PatternError(`${quoted} has no host: write *${text} for any`);
  return { host, port: text.slice(colon + 1) };
}

function parsePort(text: string, pattern: string): { readonly firstPort: number; readonly lastPort: number } {
  if (text === "*") return { firstPort: 0, lastPort: 65_535 };
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  const firstPort = Number(match?.[1]);
  const lastPort = Number(match?.[2] ?? match?.[1]);
  if (match === null || lastPort > 65_535)
    throw new PatternError(
      `${JSON.stringify(pattern)}: ${JSON.stringify(text)} is no port: write a number up to 65535, a range such as 8000-8010, or * for any`,
    );
  if (firstPort > lastPort)
    throw new PatternError(`${JSON.stringify(pattern)}: the range of ports ${text} ends before it begins`);
  return { firstPort, lastPort };
}

function parseHost(text: string, use: "listen" | "connect"): HostPattern {
  if (text === "*") return ANY;
  const addresses = text === "localhost" ? LOOPBACK : parseAddresses(text);
  if (addresses !== undefined) return { kind: "addresses", addresses };
  const name = nameOrUndefined(text);
  if (name === undefined)
    throw new PatternError(`${JSON.stringify(text)} is neither an IP address, a CIDR block, a name, nor *`);
  if (use === "listen")
    throw new PatternError(
      `${JSON.stringify(text)} is a name: to listen takes an address of this machine, localhost, or *`,
    );
  return name;
}

/** @returns `undefined` if it is none */
function parseAddresses(text: string): BlockList | undefined {
  const isBracketed = text.startsWith("[");
  const [address = "", prefix, ...rest] = (isBracketed ? text.slice(1, -1) : text).split("/");
  const version = isIP(address);
  if (version === 0 || (version === 6) !== isBracketed || address.includes("%") || rest.length > 0) return undefined;
  const family = version === 4 ? "ipv4" : "ipv6";
  const addresses = new BlockList();
  // The wildcard stands for all addresses of its kind; that of IPv6 takes IPv4, too, as its sockets do.
  if (prefix === undefined && isWildcard(address)) {
    addresses.addSubnet("0.0.0.0", 0, "ipv4");
    if (version === 6) addresses.addSubnet("::", 0, "ipv6");
    return addresses;
  }
  const bits = prefix === undefined ? (version === 4 ? 32 : 128) : Number(prefix);
  if (!Number.isInteger(bits) || !/^\d{1,3}$/.test(prefix ?? "0") || bits > (version === 4 ? 32 : 128))
    throw new PatternError(
      `${JSON.stringify(text)}: ${JSON.stringify(prefix)} is no prefix length of an ${family} block`,
    );
  addresses.addSubnet(address, bits, family);
  return addresses;
}

const WILDCARDS: BlockList = new BlockList();
WILDCARDS.addAddress("0.0.0.0", "ipv4");
WILDCARDS.addAddress("::", "ipv6");

/** @param address a literal */
export function isWildcard(address: string): boolean {
  return contains(WILDCARDS, address);
}

/** @param address a literal */
export function contains(addresses: BlockList, address: string): boolean {
  return addresses.check(address, address.includes(":") ? "ipv6" : "ipv4");
}

const LABEL = "[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?";
/** The last label must not be a number: what looks like an address in an old notation (`127.1`, `0x7f000001`) is no name. */
const NAME: RegExp = new RegExp(`^(?:${LABEL}\\.)*(?!(?:\\d+|0x[0-9a-f]*)\\.?$)${LABEL}\\.?$`);

function nameOrUndefined(text: string): HostPattern | undefined {
  const lower = text.toLowerCase();
  const isBelow = lower.startsWith("*.");
  const name = canonicalName(isBelow ? lower.slice(2) : lower);
  if (name.length > 253 || !NAME.test(name)) return undefined;
  return { kind: "name", name, suffix: isBelow ? `.${name}` : undefined };
}

/** Names are the same in any case, and with or without the dot of the root. */
export function canonicalName(name: string): string {
  return name.toLowerCase().replace(/\.$/, "");
}

/** @param name canonical */
export function nameMatches(pattern: HostPattern, name: string): boolean {
  if (pattern.kind === "any") return true;
  if (pattern.kind === "addresses") return false;
  return pattern.suffix === undefined ? pattern.name === name : name.endsWith(pattern.suffix);
}

export function portMatches({ firstPort, lastPort }: EndpointPattern, port: number): boolean {
  return port >= firstPort && port <= lastPort;
}

/** By the address itself, whatever its names are. */
export function endpointMatches(pattern: EndpointPattern, { host, port }: Endpoint): boolean {
  if (!portMatches(pattern, port) || pattern.host.kind === "name") return false;
  return pattern.host.kind === "any" || contains(pattern.host.addresses, host);
}

function blocks(...all: readonly string[]): BlockList {
  const list = new BlockList();
  for (const block of all) {
    const [address = "", prefix] = block.split("/");
    list.addSubnet(address, Number(prefix), address.includes(":") ? "ipv6" : "ipv4");
  }
  return list;
}

export const ALL_ADDRESSES: BlockList = blocks("0.0.0.0/0", "::/0");

const LOOPBACK: BlockList = blocks("127.0.0.0/8", "::1/128");

/**
 * Addresses that are not of the Internet at large: https://www.iana.org/assignments/iana-ipv4-special-registry and its sibling for IPv6, with the
 * prefixes in which an IPv4 address hides (6to4, Teredo, NAT64).
 */
const SPECIAL: BlockList = blocks(
  ...["0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24"],
  ...["192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/4", "240.0.0.0/4"],
  ...["::/96", "::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2002::/16"],
  ...["fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8"],
);

/** The addresses of this machine, and all that its interfaces reach without a router. */
export function networksOf(interfaces: ReturnType<typeof networkInterfaces>): BlockList {
  const all = Object.values(interfaces).flatMap((addresses = []) => addresses);
  // Without a block where the mask is none.
  return blocks(...all.map(({ address, cidr, family }) => cidr ?? `${address}/${family === "IPv4" ? 32 : 128}`));
}

/** Whether an address is one of the Internet at large; else it is of this machine or of a network around it. */
export function isPublic(address: string): boolean {
  return !contains(SPECIAL, address);
}
