import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { describe, test } from "node:test";
import { Errno } from "../errno.ts";
import { Family } from "./address.ts";
import type { GuestFactory } from "./tcp.suite.ts";
import { type SocketGuest, Type } from "./testing/guest.ts";

/** What a guest tries, and the errno that it gets. */
type Attempt = readonly [string, (guest: SocketGuest) => Promise<number>, number];

const tcp = async (guest: SocketGuest, host: string, port: number): Promise<number> =>
  guest.connect(await guest.open(Type.stream, host.includes(":") ? Family.inet6 : Family.inet), { host, port });
const udp = async (guest: SocketGuest, host: string, port: number): Promise<number> =>
  (await guest.sendTo(await guest.open(Type.datagram), "x", { host, port })).errno;
const listen = async (guest: SocketGuest, host: string, port: number): Promise<number> => {
  const fd = await guest.open(Type.stream, host.includes(":") ? Family.inet6 : Family.inet);
  const errno = await guest.bind(fd, host, port);
  return errno === 0 ? guest.listen(fd) : errno;
};
/** To an address in IPv6 that is given by its bytes. */
const tcpTo = (hex: string) => async (guest: SocketGuest, port: number) => {
  const fd = await guest.open(Type.stream, Family.inet6);
  const writes = [
    { at: 256, bytes: Buffer.from(hex, "hex") },
    { at: 128, bytes: Uint8Array.of(0, 1, 0, 0, 16, 0, 0, 0) },
  ];
  return (await guest.call("sock_connect", [fd, 128, port], { writes })).errno;
};

const { acces, afnosupport, badf, inval, notsock, prototype } = Errno;

/** With nothing granted. */
const NOTHING: readonly Attempt[] = [
  ["connect to this machine", (guest) => tcp(guest, "127.0.0.1", 22), acces],
  ["connect to this machine by IPv6", (guest) => tcp(guest, "::1", 22), acces],
  ["connect to a cloud's metadata", (guest) => tcp(guest, "169.254.169.254", 80), acces],
  ["connect to the Internet", (guest) => tcp(guest, "93.184.215.14", 443), acces],
  ["send a datagram", (guest) => udp(guest, "127.0.0.1", 53), acces],
  [
    "connect for datagrams",
    async (guest) => guest.connect(await guest.open(Type.datagram), { host: "8.8.8.8", port: 53 }),
    acces,
  ],
  ["bind for datagrams", async (guest) => guest.bind(await guest.open(Type.datagram), "0.0.0.0", 5353), acces],
  ["bind for datagrams to any port", async (guest) => guest.bind(await guest.open(Type.datagram), "0.0.0.0", 0), acces],
  ["listen on a port", (guest) => listen(guest, "0.0.0.0", 4318), acces],
  ["listen on any port", (guest) => listen(guest, "127.0.0.1", 0), acces],
  ["listen without a bind", async (guest) => guest.listen(await guest.open()), acces],
  ["resolve a name", async (guest) => (await guest.resolve("example.com")).errno, acces],
  ["ask a name server for a secret", async (guest) => (await guest.resolve("secret.evil.test")).errno, acces],
  ["resolve localhost", async (guest) => (await guest.resolve("localhost")).errno, acces],
];

/** With this granted: `127.0.0.1:1` to connect to, `127.0.0.1:1-2` to listen on, and one name. */
const GRANTED = { connect: ["127.0.0.1:1", "api.example.com:443"], listen: ["127.0.0.1:20001-20002"] };
const SOMETHING: readonly Attempt[] = [
  ["another port", (guest) => tcp(guest, "127.0.0.1", 2), acces],
  ["another address", (guest) => tcp(guest, "127.0.0.2", 1), acces],
  ["another port of the wildcard", (guest) => tcp(guest, "0.0.0.0", 2), acces],
  ["the same machine by IPv6", (guest) => tcp(guest, "::1", 1), acces],
  ["IPv4 hidden in IPv6, mapped", (guest) => tcpTo("00000000000000000000ffff7f000001")(guest, 2), acces],
  ["IPv4 hidden in IPv6, compatible", (guest) => tcpTo("0000000000000000000000007f000001")(guest, 1), acces],
  ["IPv4 hidden in IPv6, NAT64", (guest) => tcpTo("0064ff9b00000000000000007f000001")(guest, 1), acces],
  ["a port beyond all", (guest) => tcp(guest, "127.0.0.1", 65_537), inval],
  ["an address that a name might have", (guest) => tcp(guest, "93.184.215.14", 443), acces],
  ["another name", async (guest) => (await guest.resolve("api.example.com.evil.test")).errno, acces],
  ["a name above", async (guest) => (await guest.resolve("example.com")).errno, acces],
  ["a name that is an address in an old notation", async (guest) => (await guest.resolve("0x7f.1")).errno, acces],
  ["listen on the port below", (guest) => listen(guest, "127.0.0.1", 20_000), acces],
  ["listen on the wildcard", (guest) => listen(guest, "0.0.0.0", 20_001), acces],
  ["listen on the wildcard of IPv6", (guest) => listen(guest, "::", 20_001), acces],
  ["listen on any port", (guest) => listen(guest, "127.0.0.1", 0), acces],
  ["datagrams elsewhere", (guest) => udp(guest, "127.0.0.1", 2), acces],
  [
    "a socket of files",
    async (guest) => (await guest.call("sock_open", [Family.unix, Type.stream, 64])).errno,
    afnosupport,
  ],
  ["a raw socket", async (guest) => (await guest.call("sock_open", [Family.inet, 3, 64])).errno, prototype],
  [
    "a family that there is not",
    async (guest) => (await guest.call("sock_open", [17, Type.stream, 64])).errno,
    afnosupport,
  ],
  ["a socket call on standard output", (guest) => guest.connect(1, { host: "127.0.0.1", port: 1 }), notsock],
  ["a socket call on nothing", (guest) => guest.connect(1023, { host: "127.0.0.1", port: 1 }), badf],
  [
    "an address of another family",
    async (guest) => guest.connect(await guest.open(), { host: "::1", port: 1 }),
    afnosupport,
  ],
];

/** What a guest may not do on the network, whatever it tries. */
export function sandboxSuite(start: GuestFactory): void {
  describe("with nothing granted", () => {
    for (const [name, attempt, errno] of NOTHING)
      test(name, async () => {
        await using guest = await start();
        assert.equal(await attempt(guest), errno);
      });
  });

  describe("with something granted", () => {
    for (const [name, attempt, errno] of SOMETHING)
      test(name, async () => {
        await using guest = await start({ network: GRANTED });
        assert.equal(await attempt(guest), errno);
      });
  });

  test("what is refused is never tried: nobody hears of it", async () => {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    assert.ok(address !== null && typeof address === "object");
    server.on("connection", () => assert.fail("it was connected to"));
    {
      await using guest = await start({ network: { connect: ["127.0.0.1:1"] } });
      assert.equal(await tcp(guest, "127.0.0.1", address.port), acces);
      assert.deepEqual(guest.lines, [
        `the plugin was refused to connect to 127.0.0.1:${address.port}: to grant it, write "127.0.0.1:${address.port}" to "connect" in "network"`,
      ]);
    }
    server.close();
    await once(server, "close");
  });

  test("huge backlogs and lengths are bounded", async () => {
    await using guest = await start({ network: { listen: ["127.0.0.1:*"], connect: [] } });
    const fd = await guest.open();
    await guest.bind(fd, "127.0.0.1", 0);
    assert.equal(await guest.listen(fd, -1), 0);
    assert.ok((await guest.local(fd)).port > 0);
    assert.equal((await guest.call("sock_recv", [fd, 64, 1025, 0, 64, 64])).errno, inval);
  });
}
