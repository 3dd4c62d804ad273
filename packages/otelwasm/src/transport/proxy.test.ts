import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Environment, parseProxy, proxyFromEnvironment } from "./proxy.ts";

const PROXIES = { HTTP_PROXY: "http://plain:3128", HTTPS_PROXY: "http://secure:3128" };

function chosen(secure: boolean, host: string, env: Environment, port = 443): string | undefined {
  return proxyFromEnvironment(secure, { host, port }, { ...PROXIES, ...env })?.name;
}

test("a proxy's URL", () => {
  assert.deepEqual(parseProxy("proxy:3128"), {
    address: { host: "proxy", port: 3128 },
    secure: false,
    authorization: undefined,
    name: "http://proxy:3128",
  });
  assert.deepEqual(parseProxy("https://me:p%40ss@[::1]/"), {
    address: { host: "::1", port: 443 },
    secure: true,
    authorization: `Basic ${Buffer.from("me:p@ss").toString("base64")}`,
    name: "https://[::1]:443",
  });
  assert.equal(parseProxy("http://proxy").address.port, 80);
  assert.throws(() => parseProxy("socks5://proxy:1080"), /names a socks5 proxy, which is not supported/);
  assert.throws(() => parseProxy("http://"), /is not the URL of a proxy/);
  assert.throws(() => parseProxy("http://a%:b@proxy"), /not percent-encoded/);
});

test("of the environment: by scheme, capitals first, empty is unset", () => {
  assert.equal(chosen(true, "otel.example", {}), "http://secure:3128");
  assert.equal(chosen(false, "otel.example", {}), "http://plain:3128");
  assert.equal(chosen(true, "otel.example", { https_proxy: "http://lower:1" }), "http://secure:3128");
  assert.equal(chosen(true, "otel.example", { HTTPS_PROXY: "", https_proxy: "lower:1" }), "http://lower:1");
  assert.equal(chosen(true, "otel.example", { HTTPS_PROXY: "" }), undefined);
  assert.throws(
    () => chosen(true, "otel.example", { HTTPS_PROXY: "socks5://secret:word@x" }),
    /^Error: the environment variable HTTPS_PROXY names a socks5 proxy/,
  );
  assert.equal(chosen(true, "localhost", { HTTPS_PROXY: "socks5://x" }), undefined);
});

test("NO_PROXY, and this machine", () => {
  const cases: [exceptions: string, host: string, direct: boolean, port?: number][] = [
    ["", "localhost", true],
    ["", "127.9.9.9", true],
    ["", "::1", true],
    ["", "::ffff:127.0.0.1", true],
    ["", "128.0.0.1", false],
    ["", "localhost.example", false],
    ["*", "otel.example", true],
    ["a.example, *", "10.0.0.1", true],
    ["otel.example", "otel.example", true],
    ["OTEL.Example", "otel.EXAMPLE", true],
    ["otel.example", "a.otel.example", true],
    ["otel.example", "xotel.example", false],
    [".otel.example", "otel.example", false],
    [".otel.example", "a.otel.example", true],
    ["*.otel.example", "a.otel.example", true],
    ["*.otel.example", "otel.example", false],
    ["otel.example:443", "otel.example", true],
    ["otel.example:80", "otel.example", false],
    ["10.0.0.0/8", "10.1.2.3", true],
    ["10.0.0.0/8", "11.1.2.3", false],
    ["10.0.0.0/8", "ten.example", false],
    ["10.1.2.3", "10.1.2.3", true],
    ["10.1.2.3:443", "10.1.2.3", true],
    ["10.1.2.3:80", "10.1.2.3", false],
    ["1.2.3", "10.1.2.3", false],
    ["fd00::/8", "fd12::1", true],
    ["[fd12::1]:443", "fd12::1", true],
    ["[fd12::1]:80", "fd12::1", false],
    ["fd12:0::1", "fd12::1", true],
    ["10.0.0.0/99,:80,/8,  ,a..b", "10.1.2.3", false],
    ["bücher.example", "xn--bcher-kva.example", true],
  ];
  for (const [NO_PROXY, host, direct] of cases) {
    assert.equal(chosen(true, host, { NO_PROXY }) === undefined, direct, `${NO_PROXY} for ${host}`);
    assert.equal(chosen(true, host, { no_proxy: NO_PROXY }) === undefined, direct, `${NO_PROXY} for ${host}`);
  }
});

test("any text is read or refused; no part of it is in the message", () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.string(), (secret, host, NO_PROXY) => {
      try {
        chosen(true, host, { HTTPS_PROXY: `x5://me:word-${secret}@proxy`, NO_PROXY });
      } catch (error) {
        assert.ok(error instanceof Error && !error.message.includes("word-"), String(error));
      }
    }),
  );
});
