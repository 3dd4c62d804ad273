// What a server asks a client to send back: https://www.rfc-editor.org/rfc/rfc6265. Load balancers keep a client with one server by it.
import { isIP } from "node:net";
import { hostOf } from "../../transport/proxy.ts";

interface Cookie {
  readonly name: string;
  readonly value: string;
  readonly path: string;
  readonly secure: boolean;
  /** In milliseconds since 1970. */
  readonly expires: number;
}

/** What the RFC asks of clients at least, for one domain. */
const MAX_COOKIES = 50;
const MAX_LENGTH = 4096;

/** The cookies of one host. */
export class CookieJar {
  /** By name and path; who was first stands first. */
  readonly #cookies: Map<string, Cookie> = new Map();

  /** @param from the request's URL @param lines values of `Set-Cookie` */
  receive(from: URL, lines: readonly string[]): void {
    for (const line of lines) {
      const cookie = parse(from, line);
      if (cookie === undefined) continue;
      const key = `${cookie.name};${cookie.path}`;
      if (cookie.expires <= Date.now()) this.#cookies.delete(key);
      else if (this.#cookies.has(key) || this.#cookies.size < MAX_COOKIES) this.#cookies.set(key, cookie);
    }
  }

  /** @returns the value of `Cookie` for a request; undefined: none */
  header(to: URL): string | undefined {
    if (this.#cookies.size === 0) return undefined;
    const now = Date.now();
    const sent: Cookie[] = [];
    for (const [key, cookie] of this.#cookies) {
      if (cookie.expires <= now) this.#cookies.delete(key);
      else if (isBelow(to.pathname, cookie.path) && (!cookie.secure || to.protocol === "https:")) sent.push(cookie);
    }
    if (sent.length === 0) return undefined;
    // Longer paths first (section 5.4).
    return sent
      .toSorted((a, b) => b.path.length - a.path.length)
      .map(({ name, value }) => `${name}=${value}`)
      .join("; ");
  }
}

function parse(from: URL, line: string): Cookie | undefined {
  if (line.length > MAX_LENGTH || /[^\t\x20-\x7e]/.test(line)) return undefined;
  const [pair = "", ...attributes] = line.split(";");
  const equals = pair.indexOf("=");
  const name = pair.slice(0, equals).trim();
  if (equals < 0 || name === "") return undefined;
  const value = pair.slice(equals + 1).trim();
  let path = from.pathname.slice(0, Math.max(1, from.pathname.lastIndexOf("/")));
  let secure = false;
  let expires = Number.POSITIVE_INFINITY;
  let age: number | undefined;
  for (const attribute of attributes) {
    const [key = "", ...rest] = attribute.split("=");
    const text = rest.join("=").trim();
    switch (key.trim().toLowerCase()) {
      case "path":
        if (text.startsWith("/")) path = text;
        break;
      case "secure":
        secure = true;
        break;
      case "domain":
        if (!isOf(hostOf(from), text.replace(/^\./, "").toLowerCase())) return undefined;
        break;
      case "expires": {
        const date = Date.parse(text);
        if (!Number.isNaN(date)) expires = date;
        break;
      }
      case "max-age":
        if (/^-?\d{1,15}$/.test(text)) age = Number(text);
        break;
      default: // HttpOnly, SameSite and what comes are for browsers.
    }
  }
  if (secure && from.protocol !== "https:") return undefined;
  // Max-Age has precedence.
  if (age !== undefined) expires = age <= 0 ? 0 : Date.now() + age * 1000;
  return { name, value, path, secure, expires };
}

function isOf(host: string, domain: string): boolean {
  return domain === "" || host === domain || (isIP(host) === 0 && host.endsWith(`.${domain}`));
}

function isBelow(path: string, above: string): boolean {
  return path === above || path.startsWith(above.endsWith("/") ? above : `${above}/`);
}
