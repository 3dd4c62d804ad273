import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { CookieJar } from "./cookies.ts";

const at = (path: string, scheme = "http"): URL => new URL(`${scheme}://a.otel.example${path}`);

function sent(lines: readonly string[], to: URL, from: URL = at("/v1/logs")): string | undefined {
  const jar = new CookieJar();
  jar.receive(from, lines);
  return jar.header(to);
}

test("what goes back: by path, scheme, domain", () => {
  const logs = at("/v1/logs");
  const cases: [line: string, to: URL, back: string | undefined][] = [
    ["a=b", logs, "a=b"],
    ['a="b=c"; HttpOnly; SameSite=Lax', logs, 'a="b=c"'],
    ["a=", logs, "a="],
    ["a", logs, undefined],
    ["=b", logs, undefined],
    ["a=b\u00e9", logs, undefined],
    [`a=${"x".repeat(5_000)}`, logs, undefined],
    ["a=b", at("/v1/traces"), "a=b"],
    ["a=b", at("/v2/logs"), undefined],
    ["a=b; Path=/", at("/v2/logs"), "a=b"],
    ["a=b; path=/v1/lo", logs, undefined],
    ["a=b; Path=no", at("/v1/x"), "a=b"],
    ["a=b; Domain=otel.example", logs, "a=b"],
    ["a=b; Domain=.a.otel.example", logs, "a=b"],
    ["a=b; Domain=other.example", logs, undefined],
    ["a=b; Domain=b.a.otel.example", logs, undefined],
    ["a=b; Secure", logs, undefined],
    ["a=b; Max-Age=0", logs, undefined],
    ["a=b; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT", logs, "a=b"],
    ["a=b; Expires=Thu, 01 Jan 1970 00:00:00 GMT", logs, undefined],
    ["a=b; Expires=soon", logs, "a=b"],
  ];
  for (const [line, to, back] of cases) assert.equal(sent([line], to), back, line);
  assert.equal(sent(["a=b; Secure"], at("/v1/x", "https"), at("/v1/logs", "https")), "a=b");
  assert.equal(sent(["a=b; Secure"], at("/v1/x"), at("/v1/logs", "https")), undefined);
});

test("the same name replaces, an expired one is gone, longer paths come first", (t) => {
  t.mock.timers.enable({ apis: ["Date"], now: 1_000 });
  const jar = new CookieJar();
  jar.receive(at("/v1/logs"), ["a=1; Path=/", "b=2; Path=/v1; Max-Age=10", "a=3; Path=/"]);
  assert.equal(jar.header(at("/v1/logs")), "b=2; a=3");
  t.mock.timers.tick(10_000);
  assert.equal(jar.header(at("/v1/logs")), "a=3");
  jar.receive(at("/v1/logs"), ["a=x; Path=/; Max-Age=-1"]);
  assert.equal(jar.header(at("/v1/logs")), undefined);
});

test("any line gives what a header can have; no more cookies than a server may expect", () => {
  const jar = new CookieJar();
  fc.assert(
    fc.property(fc.array(fc.string({ unit: "binary" })), (lines) => {
      jar.receive(at("/"), lines);
      assert.match(jar.header(at("/")) ?? "", /^[\t\x20-\x7e]*$/);
    }),
  );
  jar.receive(
    at("/"),
    Array.from({ length: 200 }, (_, i) => `n${i}=1`),
  );
  assert.ok(jar.header(at("/"))!.split("; ").length <= 50);
});
