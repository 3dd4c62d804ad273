// What browsers are told about programs of other origins: https://fetch.spec.whatwg.org/#http-cors-protocol. As in the Collector, whose library is rs/cors.
import type { IncomingHttpHeaders } from "node:http";
import * as z from "zod";

export interface CorsConfig {
  /** In one of them `*` stands for any characters; `*` alone for every origin. Empty: there is no CORS. */
  readonly allowed_origins: readonly string[];
  readonly allowed_headers: readonly string[];
  readonly exposed_headers: readonly string[];
  /** In seconds, of a preflight; 0: nothing is said; below: not at all. */
  readonly max_age: number;
}

const HEADER = z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, "is not a header's name");

export function cors(): z.ZodType<CorsConfig> {
  return z.strictObject({
    allowed_origins: z.array(z.string()).default([]),
    allowed_headers: z.array(HEADER).default([]),
    exposed_headers: z.array(HEADER).default([]),
    max_age: z.int().default(0),
  });
}

/** Allowed whatever is configured. */
const SAFE_HEADERS = ["accept", "accept-language", "content-language", "content-type"] as const;
const METHODS: ReadonlySet<string> = new Set(["GET", "POST", "HEAD"]);
const PREFLIGHT_VARY = ["Vary", "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"] as const;
const VARY = ["Vary", "Origin"] as const;

export class Cors {
  readonly #all: boolean;
  readonly #origins: ReadonlySet<string>;
  readonly #patterns: readonly (readonly [prefix: string, suffix: string])[];
  readonly #headers: ReadonlySet<string> | undefined;
  readonly #exposed: readonly string[];
  readonly #maxAge: readonly string[];

  constructor(config: CorsConfig) {
    // Origins are compared without regard to case, though browsers would not.
    const origins = config.allowed_origins.map((each) => each.toLowerCase());
    this.#all = origins.includes("*");
    this.#origins = new Set(origins.filter((each) => !each.includes("*")));
    this.#patterns = origins.flatMap((each) => {
      const at = each.indexOf("*");
      return at < 0 ? [] : [[each.slice(0, at), each.slice(at + 1)] as const];
    });
    const allowed = config.allowed_headers.map((each) => each.toLowerCase());
    const more = allowed.length === 0 ? ["x-requested-with"] : allowed;
    this.#headers = allowed.includes("*") ? undefined : new Set([...SAFE_HEADERS, ...more]);
    const { exposed_headers, max_age } = config;
    this.#exposed = exposed_headers.length === 0 ? [] : ["Access-Control-Expose-Headers", exposed_headers.join(", ")];
    this.#maxAge = max_age === 0 ? [] : ["Access-Control-Max-Age", String(Math.max(0, max_age))];
  }

  /** Headers of the answer, as `writeHead` takes them. */
  answer(headers: IncomingHttpHeaders): readonly string[] {
    const { origin } = headers;
    if (origin === undefined || origin === "" || !this.#allows(origin)) return VARY;
    return [
      ...VARY,
      "Access-Control-Allow-Origin",
      this.#all ? "*" : origin,
      ...this.#exposed,
      "Access-Control-Allow-Credentials",
      "true",
    ];
  }

  /** Those of the answer to a preflight. Without what allows it, the browser does not send the request. */
  preflight(headers: IncomingHttpHeaders): readonly string[] {
    const { origin } = headers;
    const method = headers["access-control-request-method"] ?? "";
    const wanted = headers["access-control-request-headers"];
    if (origin === undefined || origin === "" || !this.#allows(origin) || !METHODS.has(method)) return PREFLIGHT_VARY;
    if (wanted !== undefined && !this.#allowsHeaders(wanted)) return PREFLIGHT_VARY;
    return [
      ...PREFLIGHT_VARY,
      "Access-Control-Allow-Origin",
      this.#all ? "*" : origin,
      "Access-Control-Allow-Methods",
      method,
      ...(wanted === undefined || wanted === "" ? [] : ["Access-Control-Allow-Headers", wanted]),
      "Access-Control-Allow-Credentials",
      "true",
      ...this.#maxAge,
    ];
  }

  #allows(origin: string): boolean {
    if (this.#all) return true;
    const text = origin.toLowerCase();
    return (
      this.#origins.has(text) ||
      this.#patterns.some(
        ([prefix, suffix]) =>
          text.length >= prefix.length + suffix.length && text.startsWith(prefix) && text.endsWith(suffix),
      )
    );
  }

  #allowsHeaders(wanted: string): boolean {
    const allowed = this.#headers;
    if (allowed === undefined) return true;
    return wanted.split(",").every((each) => {
      const name = each.trim().toLowerCase();
      return name === "" || allowed.has(name);
    });
  }
}
