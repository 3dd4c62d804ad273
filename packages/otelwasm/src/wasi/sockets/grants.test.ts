import assert from "node:assert/strict";
import type { NetworkInterfaceInfo, networkInterfaces } from "node:os";
import { describe, test } from "node:test";
import fc from "fast-check";
import { LineLogger } from "../../plugin/testing/guests.ts";
import { Errno, WasiError } from "../errno.ts";
import type { NetworkGrant } from "../grants.ts";
import { Refusals } from "../refusals.ts";
import { formatAddress, parseAddress } from "./address.ts";
import { networkProblems, patternProblem } from "./grants.ts";
import { Policy, reached } from "./policy.ts";
import type { Endpoint } from "./protocol.ts";

interface Judge {
  readonly policy: Policy;
  readonly lines: string[];
  connects(text: string): boolean;
  /** What would be listened on. */
  listens(text: string): Endpoint | undefined;
}

/** Of a machine with no public address. */
function noInterfaces(): ReturnType<typeof networkInterfaces> {
  return {};
}

function judge(network: Partial<NetworkGrant>, interfaces: typeof networkInterfaces = noInterfaces): Judge {
  const logger = new LineLogger();
  const policy = new Policy({ listen: [], connect: [], resolve: [], ...network }, new Refusals(logger), interfaces);
  return {
    policy,
    lines: logger.lines,
    connects: (text) => policy.mayConnect(endpoint(text)),
    listens: (text) => policy.mayListen(endpoint(text)),
  };
}

/** As it comes from a guest: by its bytes. */
function endpoint(text: string): Endpoint {
  const colon = text.lastIndexOf(":");
  const host = text.slice(0, colon).replace(/[[\]]/g, "");
  return { host: formatAddress(parseAddress(host, host.includes(":") ? 2 : 1)), port: Number(text.slice(colon + 1)) };
}

function errnoOf(action: () => unknown): number {
  try {
    action();
  } catch (error) {
    assert.ok(error instanceof WasiError);
    return error.errno;
  }
  return Errno.success;
}

describe("patterns that are none", () => {
  for (const [key, text, problem] of [
    ["connect", "", /has no port/],
    ["connect", "example.com", /"example.com" has no port: write HOST:PORT, such as api.example.com:443/],
    ["connect", ":443", /has no host: write \*:443 for any/],
    ["connect", "example.com:", /"" is no port/],
    ["connect", "example.com:http", /"http" is no port: write a number up to 65535/],
    ["connect", "example.com:65536", /"65536" is no port/],
    ["connect", "example.com:9-8", /the range of ports 9-8 ends before it begins/],
    ["connect", "example.com:-1", /"-1" is no port/],
    ["connect", "https://example.com:443", /is a URL/],
    ["connect", "::1:80", /must be in brackets/],
    ["connect", "[::1]", /has no port: write \[ADDRESS\]:PORT/],
    ["connect", "[::1:80", /has no "\]"/],
    ["connect", "[fe80::1%eth0]:80", /neither an IP address/],
    ["connect", "[10.0.0.1]:80", /neither an IP address/],
    ["connect", "10.0.0.0/33:80", /"33" is no prefix length of an ipv4 block/],
    ["connect", "10.0.0.0/:80", /is no prefix length/],
    ["connect", "[fd00::/129]:80", /"129" is no prefix length of an ipv6 block/],
    ["connect", "10.0.0:80", /neither an IP address/],
    ["connect", "127.1:80", /neither an IP address/],
    ["connect", "0x7f000001:80", /neither an IP address/],
    ["connect", "2130706433:80", /neither an IP address/],
    ["connect", "exa mple.com:80", /neither an IP address/],
    ["connect", "*example.com:80", /neither an IP address/],
    ["connect", "a.*.com:80", /neither an IP address/],
    ["connect", `${"a".repeat(64)}.com:80`, /neither an IP address/],
    ["listen", "example.com:80", /is a name: to listen takes an address/],
    ["listen", "4318", /has no port: write HOST:PORT, such as 127.0.0.1:4318/],
    ["resolve", "10.0.0.1", /is no name/],
    ["resolve", "example.com:443", /is no name/],
    ["resolve", "", /is no name/],
  ] as const)
    test(`${key}: ${JSON.stringify(text)}`, () => {
      assert.match(patternProblem(key, text) ?? "nothing", problem);
      const network = { listen: [], connect: [], resolve: [], [key]: ["*", text] };
      assert.deepEqual(
        networkProblems(network).map((line) => line.split(": ")[0]),
        [`network::${key}::1`],
      );
    });
});

test("any text is a pattern or has a problem; nothing else is thrown", () => {
  const text = fc.string({ unit: fc.constantFrom(..."0123456789abf.:*/[]-%"), maxLength: 24 });
  fc.assert(
    fc.property(fc.constantFrom("listen", "connect", "resolve"), text, (key, pattern) => {
      const problem = patternProblem(key, pattern);
      if (problem === undefined) judge({ [key]: [pattern] });
      else assert.throws(() => judge({ [key]: [pattern] }));
    }),
    { numRuns: 2000 },
  );
});

test("connect: addresses, blocks, ports", () => {
  const { connects } = judge({
    connect: ["192.0.2.1:80", "10.0.0.0/8:*", "[fd00::/8]:8000-8010", "[2001:db8::1]:1", "localhost:9"],
  });
  for (const yes of ["192.0.2.1:80", "10.255.0.1:0", "10.1.2.3:65535", "[fd12::1]:8000", "[fd12::1]:8010"])
    assert.equal(connects(yes), true, yes);
  for (const yes of [
    "127.0.0.1:9",
    "127.9.9.9:9",
    "[::1]:9",
    "0.0.0.0:9",
    "[::]:9",
    "[2001:db8:0::1]:1",
    "[::ffff:10.0.0.1]:5",
  ])
    assert.equal(connects(yes), true, yes);
  for (const no of ["192.0.2.1:81", "192.0.2.2:80", "11.0.0.1:1", "[fe12::1]:8000", "[fd12::1]:7999", "[fd12::1]:8011"])
    assert.equal(connects(no), false, no);
  for (const no of ["127.0.0.1:10", "128.0.0.1:9", "[::2]:9", "[2001:db8::2]:1", "[::ffff:11.0.0.1]:5"])
    assert.equal(connects(no), false, no);
  assert.equal(judge({}).connects("192.0.2.1:80"), false);
  assert.equal(judge({ connect: ["*"] }).connects("169.254.169.254:80"), true);
  assert.deepEqual(reached({ host: "::", port: 1 }), { host: "::1", port: 1 });
});

test("listen: the wildcard is granted by what covers it, IPv6's is narrowed to IPv4 where only that is", () => {
  const any = judge({ listen: ["*:80"] });
  for (const yes of ["0.0.0.0:80", "[::]:80", "127.0.0.1:80", "[::1]:80"])
    assert.deepEqual(any.listens(yes), endpoint(yes));
  assert.equal(any.listens("0.0.0.0:81"), undefined);
  const four = judge({ listen: ["0.0.0.0:80"] });
  assert.deepEqual(four.listens("[::]:80"), { host: "0.0.0.0", port: 80 });
  assert.deepEqual(four.listens("10.0.0.1:80"), { host: "10.0.0.1", port: 80 });
  assert.equal(four.listens("[::1]:80"), undefined);
  const six = judge({ listen: ["[::]:80"] });
  for (const yes of ["0.0.0.0:80", "[::]:80", "127.0.0.1:80", "[::1]:80"])
    assert.deepEqual(six.listens(yes), endpoint(yes));
  for (const narrow of ["127.0.0.1:80", "localhost:80", "10.0.0.0/8:80", "0.0.0.0/1:80"]) {
    assert.equal(judge({ listen: [narrow] }).listens("0.0.0.0:80"), undefined, narrow);
    assert.equal(judge({ listen: [narrow] }).listens("[::]:80"), undefined, narrow);
  }
  assert.deepEqual(judge({ listen: ["localhost:1-9"] }).listens("[::1]:9"), { host: "::1", port: 9 });
});

test("names grant the public addresses that the host resolved them to, and no others", () => {
  const { policy, connects, lines } = judge({ connect: ["api.example.com:443", "*.example.org:443", "10.1.1.1:443"] });
  assert.equal(connects("93.184.215.14:443"), false);
  policy.remember("API.example.com.", [
    "93.184.215.14",
    "10.1.1.1",
    "10.1.1.2",
    "169.254.169.254",
    "fd00::1",
    "2606:2800::1",
  ]);
  policy.remember("a.b.example.org", ["93.184.215.15"]);
  policy.remember("example.org", ["93.184.215.16"]);
  policy.remember("api.example.com.evil.test", ["93.184.215.17"]);
  for (const yes of ["93.184.215.14:443", "[2606:2800::1]:443", "93.184.215.15:443", "10.1.1.1:443"])
    assert.equal(connects(yes), true, yes);
  for (const no of [
    "93.184.215.14:80",
    "10.1.1.2:443",
    "169.254.169.254:443",
    "[fd00::1]:443",
    "93.184.215.16:443",
    "93.184.215.17:443",
  ])
    assert.equal(connects(no), false, no);
  assert.equal(
    errnoOf(() => policy.connect(endpoint("10.1.1.2:443"))),
    Errno.acces,
  );
  assert.deepEqual(lines, [
    'warn: the plugin was refused to connect to 10.1.1.2:443 (api.example.com resolved to it, but a name grants public addresses only, and this one is of the machine or of a network around it): to grant it, write "10.1.1.2:443" to "connect" in "network"',
  ]);
});

test("addresses that only look public are not", () => {
  const { policy, connects } = judge({ connect: ["api.example.com:443"] });
  const special = [
    ...[
      "0.1.2.3",
      "100.64.0.1",
      "127.0.0.1",
      "172.31.0.1",
      "192.168.1.1",
      "198.18.0.1",
      "224.0.0.1",
      "255.255.255.255",
    ],
    ...[
      "::1",
      "::",
      "::7f00:1",
      "64:ff9b::7f00:1",
      "2002:7f00:1::",
      "2001:0:1::1",
      "fe80::1",
      "fec0::1",
      "ff02::1",
      "fc00::1",
    ],
  ];
  policy.remember("api.example.com", special);
  for (const host of special) assert.equal(connects(`[${host}]:443`), false, host);
});

test("a name grants nothing of this machine and of what is next to it, however public their addresses are", () => {
  const info = { mac: "", internal: false };
  const four = { ...info, family: "IPv4", netmask: "" } as const;
  const six = { ...info, family: "IPv6", netmask: "", scopeid: 0 } as const;
  const interfaces: Record<string, NetworkInterfaceInfo[]> = {
    a: [
      { ...four, address: "93.184.215.1", cidr: "93.184.215.1/24" },
      { ...six, address: "2606:2800::1", cidr: "2606:2800::1/64" },
    ],
    b: [{ ...four, address: "93.184.217.1", cidr: null }],
  };
  const { policy, connects } = judge({ connect: ["api.example.com:443"] }, () => interfaces);
  const near = ["93.184.215.1:443", "93.184.215.14:443", "[2606:2800::2]:443", "93.184.217.1:443"];
  const far = ["93.184.216.14:443", "[2606:2800:0:1::2]:443", "93.184.217.2:443"];
  const all = [...near, ...far].map((text) => endpoint(text).host);
  policy.remember("api.example.com", all);
  for (const no of near) assert.equal(connects(no), false, no);
  for (const yes of far) assert.equal(connects(yes), true, yes);
  // The machine has moved.
  interfaces.a = [{ ...four, address: "93.184.216.1", cidr: "93.184.216.1/24" }];
  policy.remember("api.example.com", all);
  assert.deepEqual(["93.184.216.14:443", "93.184.215.14:443"].map(connects), [false, true]);
  assert.equal(judge({ connect: ["93.184.215.0/24:443"] }, () => interfaces).connects("93.184.215.1:443"), true);
});

test("where the networks of the machine cannot be read names grant nothing, and the log says so", () => {
  const { policy, connects, lines } = judge({ connect: ["api.example.com:443"] }, () => {
    throw new Error("EAFNOSUPPORT");
  });
  policy.remember("api.example.com", ["93.184.215.14", "2606:2800::1"]);
  assert.deepEqual(["93.184.215.14:443", "[2606:2800::1]:443"].map(connects), [false, false]);
  assert.match(
    lines[0] ?? "",
    /cannot be read \(Error: EAFNOSUPPORT\), and names in "connect" of "network" grant nothing/,
  );
});

test("names that grant nothing are not remembered, and those of one address are bounded", () => {
  const { policy, connects } = judge({ connect: ["api.example.com:1", "*.example.org:2"], resolve: ["*"] });
  policy.remember("api.example.com", ["93.184.215.14"]);
  for (let i = 0; i < 5000; i++) {
    policy.remember(`${i}.example.net`, [`93.184.${216 + (i >> 8)}.${i & 255}`]);
    policy.remember(`${i}.example.net`, ["93.184.215.14"]);
  }
  assert.equal(connects("93.184.215.14:1"), true);
  for (let i = 0; i < 63; i++) policy.remember(`${i}.example.org`, ["93.184.215.14"]);
  // Asked for again it is the newest.
  policy.remember("api.example.com", ["93.184.215.14"]);
  policy.remember("63.example.org", ["93.184.215.14"]);
  assert.deepEqual(["93.184.215.14:1", "93.184.215.14:2"].map(connects), [true, true]);
  for (let i = 64; i < 127; i++) policy.remember(`${i}.example.org`, ["93.184.215.14"]);
  assert.deepEqual(["93.184.215.14:1", "93.184.215.14:2"].map(connects), [false, true]);
});

test("names that may be resolved", () => {
  const { policy, lines } = judge({ connect: ["api.example.com:443", "*.example.org:1"], resolve: ["*.example.net"] });
  for (const yes of ["api.example.com", "API.EXAMPLE.COM.", "x.example.org", "a.b.example.net", "localhost"])
    assert.equal(
      errnoOf(() => policy.resolve(yes)),
      Errno.success,
      yes,
    );
  for (const no of ["example.com", "example.org", "secret.evil.test", "xexample.org", "example.net"])
    assert.equal(
      errnoOf(() => policy.resolve(no)),
      Errno.acces,
      no,
    );
  assert.equal(
    lines[2],
    'warn: the plugin was refused to resolve "secret.evil.test": to grant it, write "secret.evil.test" to "resolve" in "network"',
  );
  const any = judge({ resolve: ["*"] });
  any.policy.resolve("anything.test");
  any.policy.remember("anything.test", ["93.184.215.14"]);
  assert.equal(any.connects("93.184.215.14:443"), false);
});

test("each missing grant is spoken of once, and their number is bounded", () => {
  const { policy, lines } = judge({});
  for (let i = 0; i < 3; i++)
    assert.equal(
      errnoOf(() => policy.listen(endpoint("0.0.0.0:4318"))),
      Errno.acces,
    );
  assert.deepEqual(lines, [
    'warn: the plugin was refused to listen on 0.0.0.0:4318: to grant it, write "*:4318" to "listen" in "network"',
  ]);
  for (let port = 1; port < 1000; port++) errnoOf(() => policy.connect({ host: "192.0.2.1", port }));
  assert.ok(lines.length < 100);
});

test("addresses survive their text", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
      const text = formatAddress(bytes);
      assert.deepEqual(parseAddress(text, 2), bytes);
    }),
  );
  fc.assert(
    fc.property(fc.ipV6(), (text) => {
      assert.equal(parseAddress(text, 2).length, 16);
    }),
  );
  assert.equal(formatAddress(Uint8Array.of(127, 0, 0, 1)), "127.0.0.1");
  assert.deepEqual(parseAddress("0.0.0.0", 2), new Uint8Array(16));
  assert.equal(formatAddress(parseAddress("::ffff:1.2.3.4", 2)), "1.2.3.4");
  assert.equal(formatAddress(parseAddress("fe80::1%eth0", 2)), "fe80::1");
});
