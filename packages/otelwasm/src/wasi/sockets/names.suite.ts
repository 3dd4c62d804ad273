import assert from "node:assert/strict";
import { test } from "node:test";
import { Errno } from "../errno.ts";
import { Family } from "./address.ts";
import type { GuestFactory } from "./tcp.suite.ts";

const LOOPBACKS = ["127.0.0.1", "::1"];

/** `sock_getaddrinfo`, without a name server: `localhost`, literals, and what is refused. */
export function namesSuite(start: GuestFactory): void {
  test("localhost, of both families and of each", async () => {
    await using guest = await start({ network: { connect: ["localhost:*"] } });
    const { errno, found } = await guest.resolve("localhost");
    assert.equal(errno, 0);
    assert.ok(found.length > 0);
    for (const { host, port, type } of found) {
      assert.ok(LOOPBACKS.includes(host), host);
      assert.deepEqual([port, type], [80, 2]);
    }
    const four = await guest.resolve("localhost", { family: Family.inet, service: "http" });
    assert.deepEqual(four.found, [{ host: "127.0.0.1", port: 80, type: 2 }]);
  });

  test("literals need no grant and no name server", async () => {
    await using guest = await start({ network: { connect: ["localhost:*"] } });
    assert.deepEqual(await guest.resolve("192.0.2.7", { service: "4318" }), {
      errno: 0,
      found: [{ host: "192.0.2.7", port: 4318, type: 2 }],
    });
    assert.deepEqual((await guest.resolve("2001:db8::7", { service: "https", flags: 4 })).found, [
      { host: "2001:db8::7", port: 443, type: 2 },
    ]);
    assert.equal((await guest.resolve("2001:db8::7", { family: Family.inet })).errno, Errno.canceled);
  });

  test("no name: the wildcard to listen on, loopback to connect to", async () => {
    await using guest = await start();
    const hosts = async (flags: number, family = 0): Promise<string[]> =>
      (await guest.resolve("", { flags, family })).found.map(({ host }) => host);
    assert.deepEqual(await hosts(1), ["0.0.0.0", "::"]);
    assert.deepEqual(await hosts(1, Family.inet6), ["::"]);
    assert.deepEqual(await hosts(0), LOOPBACKS);
  });

  test("what cannot be is an errno", async () => {
    await using guest = await start({ network: { resolve: ["*.invalid"] } });
    // https://datatracker.ietf.org/doc/html/rfc6761#section-6.4: no name server knows these.
    assert.equal((await guest.resolve("otelwasm-test.invalid")).errno, Errno.canceled);
    assert.equal((await guest.resolve("example.com")).errno, Errno.acces);
    assert.equal((await guest.resolve("", { service: "" })).errno, Errno.inval);
    assert.equal((await guest.resolve("localhost", { limit: 1 })).errno, Errno.inval);
    assert.equal((await guest.resolve("localhost", { flags: 4 })).errno, Errno.inval);
    assert.equal((await guest.resolve("localhost", { service: "65536" })).errno, Errno.inval);
    assert.equal((await guest.resolve("localhost", { service: "no-such-service" })).errno, Errno.inval);
    assert.equal((await guest.resolve("localhost", { family: Family.unix })).errno, Errno.afnosupport);
    assert.equal((await guest.resolve("a".repeat(1500))).errno, Errno.nametoolong);
    assert.equal((await guest.resolve("local\0host")).errno, Errno.inval);
  });
}
