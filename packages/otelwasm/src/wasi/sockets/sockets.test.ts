import { describe } from "node:test";
import { tcpSuite } from "./tcp.suite.ts";
import { SocketGuest } from "./testing/guest.ts";

describe("sockets on V8", () => {
  tcpSuite((options) => SocketGuest.start({ ...options, runtimeConfig: { type: "v8" } }));
});
