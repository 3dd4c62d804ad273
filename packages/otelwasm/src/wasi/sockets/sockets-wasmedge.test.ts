import { describe } from "node:test";
import { inOwnProcess } from "../../runtime/testing/own-process.ts";
import { lifecycleSuite } from "./lifecycle.suite.ts";
import { namesSuite } from "./names.suite.ts";
import { sandboxSuite } from "./sandbox.suite.ts";
import { type GuestFactory, tcpSuite } from "./tcp.suite.ts";
import { SocketGuest } from "./testing/guest.ts";
import { udpSuite } from "./udp.suite.ts";

const start: GuestFactory = (options) => SocketGuest.start({ ...options, runtimeConfig: { type: "wasmedge" } });

await inOwnProcess("wasmedge", import.meta.filename, () => {
  describe("sockets on WasmEdge", () => {
    describe("TCP", () => tcpSuite(start));
    describe("UDP", () => udpSuite(start));
    describe("names", () => namesSuite(start));
    describe("lifecycle", () => lifecycleSuite(start));
    describe("what a guest may not", () => sandboxSuite(start));
  });
});
