// Which proxy a client goes through, as Go's `net/http` and grpc-go choose it: https://pkg.go.dev/net/http#ProxyFromEnvironment
import { BlockList, isIP } from "node:net";
import { domainToASCII } from "node:url";
import { formatHostPort, type HostPort, parseHostPort } from "../config/values.ts";

export interface HttpProxy {
  readonly address: HostPort;
  /** Whether the proxy itself is spoken to over TLS. */
  readonly secure: boolean;
  /** The value of `Proxy-Authorization`, if the URL has a user. */
  readonly authorization: string | undefined;
  /** For messages: without credentials. */
  readonly name: string;
}

/**
 * @param text a URL; without a scheme it is `http://`
 * @throws Error that says why it is not a proxy's, without repeating it: there may be a password in it
 */
export function parseProxy(text: string): HttpProxy {
  const whole = text.includes("://") ? text : `http://${text}`;
  const url = URL.canParse(whole) ? new URL(whole) : undefined;
  if (url === undefined || url.hostname === "") {
    throw new Error('is not the URL of a proxy, for example "http://proxy:3128"');
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new Error(
      `names a ${url.protocol.slice(0, -1)} proxy, which is not supported: only http:// and https:// are`,
    );
  }
  const secure = url.protocol === "https:";
  const address = { host: hostOf(url), port: Number(url.port) || (secure ? 443 : 80) };
  return {
    address,
    secure,
    authorization: basicAuthorization(url),
    name: `${url.protocol}//${formatHostPort(address)}`,
  };
}

/** A URL's host, IPv6 without brackets. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[(.*)\]$/, "$1");
}

/**
 * The `Basic` credentials of a URL that has a user.
 *
 * @throws Error if they are not percent-encoded
 */
export function basicAuthorization(url: URL): string | undefined {
  if (url.username === "" && url.password === "") return undefined;
  let pair: string;
  try {
    pair = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  } catch (cause) {
    throw new Error("the user or password is not percent-encoded", { cause });
  }
  return `Basic ${Buffer.from(pair).toString("base64")}`;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The proxy of the environment for a destination: `HTTPS_PROXY` or `HTTP_PROXY`, unless `NO_PROXY` excepts the destination or it is this machine.
 * Lower case names count where those in capitals are unset.
 *
 * @param target `host` is a name or an address, IPv6 without brackets
 * @throws Error that names the variable, if its proxy is wanted and cannot be used
 */
export function proxyFromEnvironment(secure: boolean, target: HostPort, env: Environment): HttpProxy | undefined {
  const variable = secure ? "HTTPS_PROXY" : "HTTP_PROXY";
  const name = env[variable] ? variable : variable.toLowerCase();
  const text = env[name];
  if (!text || isExcepted(target, env.NO_PROXY || env.no_proxy || "")) return undefined;
  try {
    return parseProxy(text);
  } catch (cause) {
    throw new Error(`the environment variable ${name} ${messageOf(cause)}`, { cause });
  }
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet("127.0.0.0", 8, "ipv4");
LOOPBACK.addAddress("::1", "ipv6");

function familyOf(address: string): "ipv4" | "ipv6" {
  return isIP(address) === 4 ? "ipv4" : "ipv6";
}

function isExcepted(target: HostPort, exceptions: string): boolean {
  const host = canonical(target.host);
  const isAddress = isIP(host) !== 0;
  if (host === "localhost" || (isAddress && LOOPBACK.check(host, familyOf(host)))) return true;
  return exceptions.split(",").some((entry) => matches(entry.trim().toLowerCase(), host, isAddress, target.port));
}

function canonical(host: string): string {
  const lower = host.toLowerCase();
  return isIP(lower) === 0 ? domainToASCII(lower) || lower : lower;
}

/** One entry of NO_PROXY; what cannot be read matches nothing. */
function matches(entry: string, host: string, isAddress: boolean, port: number): boolean {
  if (entry === "*") return true;
  const [, network = "", bits = ""] = /^([^/]+)\/(\d{1,3})$/.exec(entry) ?? [];
  if (isIP(network) !== 0) {
    if (!isAddress || Number(bits) > (isIP(network) === 4 ? 32 : 128)) return false;
    const subnet = new BlockList();
    subnet.addSubnet(network, Number(bits), familyOf(network));
    return subnet.check(host, familyOf(host));
  }
  const { name, ofPort } = splitPort(entry);
  if (name === "" || (ofPort !== undefined && ofPort !== port)) return false;
  if (isIP(name) !== 0) {
    if (!isAddress) return false;
    const one = new BlockList();
    one.addAddress(name, familyOf(name));
    return one.check(host, familyOf(host));
  }
  if (isAddress) return false;
  const suffix = name.startsWith("*.") ? name.slice(1) : name;
  if (suffix.startsWith(".")) return host.endsWith(`.${canonical(suffix.slice(1))}`);
  const domain = canonical(suffix);
  return host === domain || host.endsWith(`.${domain}`);
}

function splitPort(entry: string): { name: string; ofPort: number | undefined } {
  const parsed = isIP(entry) === 0 ? parseHostPort(entry) : undefined;
  return parsed === undefined ? { name: entry, ofPort: undefined } : { name: parsed.host, ofPort: parsed.port };
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
