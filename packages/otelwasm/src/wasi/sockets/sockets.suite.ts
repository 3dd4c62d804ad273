import { describe } from "node:test";
import { lifecycleSuite } from "./lifecycle.suite.ts";
import { namesSuite } from "./names.suite.ts";
import { sandboxSuite } from "./sandbox.suite.ts";
import { type GuestFactory, tcpSuite } from "./tcp.suite.ts";
import { SocketGuest } from "./testing/guest.ts";
import { udpSuite } from "./udp.suite.ts";
import { wildSuite } from "./wild.suite.ts";

/** What the sockets of guests do on every engine. @param options of the suite, see `needsEngine` */
export function socketsSuite(type: string, options: { readonly skip?: string } = {}): void {
  const start: GuestFactory = (more) => SocketGuest.start({ ...more, runtimeConfig: { type } });
  describe(`sockets on ${type}`, options, () => {
    describe("TCP", () => tcpSuite(start));
    describe("UDP", () => udpSuite(start));
    describe("names", () => namesSuite(start));
    describe("lifecycle", () => lifecycleSuite(start));
    describe("what a guest may not", () => sandboxSuite(start));
    describe("wild input", () => wildSuite(start));
  });
}
