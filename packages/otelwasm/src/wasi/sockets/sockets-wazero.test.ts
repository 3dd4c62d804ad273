import { describe } from "node:test";
import { needsEngine } from "../../runtime/testing/engines.ts";
import { lifecycleSuite } from "./lifecycle.suite.ts";
import { namesSuite } from "./names.suite.ts";
import { sandboxSuite } from "./sandbox.suite.ts";
import { type GuestFactory, tcpSuite } from "./tcp.suite.ts";
import { SocketGuest } from "./testing/guest.ts";
import { udpSuite } from "./udp.suite.ts";
import { wildSuite } from "./wild.suite.ts";

const start: GuestFactory = (options) => SocketGuest.start({ ...options, runtimeConfig: { type: "wazero" } });

describe("sockets on wazero", needsEngine("wazero"), () => {
  describe("TCP", () => tcpSuite(start));
  describe("UDP", () => udpSuite(start));
  describe("names", () => namesSuite(start));
  describe("lifecycle", () => lifecycleSuite(start));
  describe("what a guest may not", () => sandboxSuite(start));
  describe("wild input", () => wildSuite(start));
});
