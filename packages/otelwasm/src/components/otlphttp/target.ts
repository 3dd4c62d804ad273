import { version } from "node:process";
import type { Credentials } from "../../transport/client-config.ts";
import type { ClientSecurity } from "../../transport/client-tls.ts";
import type { Destination } from "../../transport/dial.ts";
import { HttpClient } from "../../transport/http1-client.ts";
import type { HttpResponse } from "../../transport/http1-parser.ts";
import { JSON_TYPE, PROTOBUF, USER_AGENT } from "../../transport/otlp.ts";
import {
  basicAuthorization,
  type Environment,
  type HttpProxy,
  hostOf,
  proxyFromEnvironment,
} from "../../transport/proxy.ts";
import type { OtlpHttpConfig } from "./config.ts";
import type { CookieJar } from "./cookies.ts";

const AGENT = `${USER_AGENT} (Node.js ${version})`;

/** One URL that requests go to, and the connections to its server. */
export class Target {
  readonly url: URL;
  /** Whether there is TLS on the way: then certificates have to be there before the first request. */
  readonly usesTls: boolean;
  readonly #config: OtlpHttpConfig;
  readonly #client: HttpClient;
  /** Of an `http:` URL: it is asked for the whole URL. */
  readonly #proxy: HttpProxy | undefined;
  #head: string;
  #credentials: Credentials | undefined;
  /** Of all URLs of the exporter. */
  readonly #jar: CookieJar | undefined;
  #cookie: string | undefined;

  /**
   * @param environment has the proxy, if the configuration names none
   * @throws Error that says why the proxy cannot be used
   */
  constructor(
    url: URL,
    config: OtlpHttpConfig,
    security: ClientSecurity,
    environment: Environment,
    jar: CookieJar | undefined,
  ) {
    this.url = url;
    this.#jar = jar;
    this.#config = config;
    const secure = url.protocol === "https:";
    const address = { host: hostOf(url), port: Number(url.port) || (secure ? 443 : 80) };
    const proxy = config.proxy ?? proxyFromEnvironment(secure, address, environment);
    this.usesTls = secure || proxy?.secure === true;
    this.#proxy = secure ? undefined : proxy;
    const toProxy = proxy?.secure === true ? security.secureProxy(proxy.address.host) : undefined;
    let destination: Destination;
    if (secure) {
      const tunnel = proxy && { proxy, secure: toProxy, userAgent: AGENT };
      destination = { address, secure: security.secure(address.host, "http/1.1"), tunnel };
    } else destination = { address: proxy?.address ?? address, secure: toProxy };
    this.#client = new HttpClient({ destination, ...config.connections });
    this.#head = this.#requestHead({});
  }

  /** @param credentials headers that change now and then; the same object while they have not */
  send(body: Uint8Array, timeoutMs: number, credentials: Credentials | undefined): Promise<HttpResponse> {
    const cookie = this.#jar?.header(this.url);
    if (credentials !== this.#credentials || cookie !== this.#cookie) {
      this.#credentials = credentials;
      this.#cookie = cookie;
      this.#head = this.#requestHead(credentials ?? {});
    }
    const answer = this.#client.send(this.#head, body, timeoutMs);
    return this.#jar === undefined ? answer : this.#keepCookies(answer, this.#jar);
  }

  async #keepCookies(answer: Promise<HttpResponse>, jar: CookieJar): Promise<HttpResponse> {
    const response = await answer;
    const lines = response.headers.get("set-cookie");
    if (lines !== undefined) jar.receive(this.url, lines.split("\n"));
    return response;
  }

  /** Waits for what is under way. */
  close(): Promise<void> {
    return this.#client.close();
  }

  /** The request line and the headers, which are the same for every batch. */
  #requestHead(credentials: Credentials): string {
    const { url } = this;
    const { compression, encoding, headers, connections } = this.#config;
    const basic = basicAuthorization(url);
    const all = new Map([
      ["host", url.host],
      ["user-agent", AGENT],
      ["content-type", encoding === "json" ? JSON_TYPE : PROTOBUF],
      ...(compression === "none" ? [] : [["content-encoding", compression] as const]),
      ...(basic === undefined ? [] : [["authorization", basic] as const]),
      ...(this.#cookie === undefined ? [] : [["cookie", this.#cookie] as const]),
      ...Object.entries(headers),
      ...Object.entries(credentials),
      ...(connections.keepAlive ? [] : [["connection", "close"] as const]),
      ...(this.#proxy?.authorization === undefined
        ? []
        : [["proxy-authorization", this.#proxy.authorization] as const]),
    ]);
    const lines = [...all].map(([name, value]) => `${name}: ${value}\r\n`).join("");
    const from = this.#proxy === undefined ? "" : `http://${url.host}`;
    return `POST ${from}${url.pathname}${url.search} HTTP/1.1\r\n${lines}`;
  }
}
