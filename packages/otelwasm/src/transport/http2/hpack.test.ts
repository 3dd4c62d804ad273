import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { encodeHeaders, HpackDecoder, MAX_HEADER_LIST } from "./hpack.ts";

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replace(/\s/g, ""), "hex"));
const object = (headers: ReadonlyMap<string, string>): Record<string, string> => Object.fromEntries(headers);

// RFC 7541, C.3 and C.4: the same three requests on one connection, without and with Huffman codes.
const requests: [string, string][] = [
  ["828684410f7777772e6578616d706c652e636f6d", "828684418cf1e3c2e5f23a6ba0ab90f4ff"],
  ["828684be58086e6f2d6361636865", "828684be5886a8eb10649cbf"],
  ["828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565", "828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf"],
];

test("the requests of the specification's examples", () => {
  const first = { ":method": "GET", ":scheme": "http", ":path": "/", ":authority": "www.example.com" };
  for (const form of [0, 1] as const) {
    const decoder = new HpackDecoder();
    const [one, two, three] = requests.map((request) => object(decoder.decode(hex(request[form]))));
    assert.deepEqual(one, first);
    assert.deepEqual(two, { ...first, "cache-control": "no-cache" });
    assert.deepEqual(three, {
      ...first,
      ":scheme": "https",
      ":path": "/index.html",
      "custom-key": "custom-value",
    });
  }
});

test("the responses of the specification's examples, of which the table holds only the newest (C.6)", () => {
  const decoder = new HpackDecoder();
  const size = "3fe101"; // 256 bytes
  const blocks = [
    `${size}488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97c8e9ae82ae43d3`,
    "4883640effc1c0bf",
    "88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007",
  ];
  const [one, two, three] = blocks.map((block) => object(decoder.decode(hex(block))));
  const shared = { "cache-control": "private", location: "https://www.example.com" };
  assert.deepEqual(one, { ...shared, ":status": "302", date: "Mon, 21 Oct 2013 20:13:21 GMT" });
  assert.deepEqual(two, { ...shared, ":status": "307", date: "Mon, 21 Oct 2013 20:13:21 GMT" });
  assert.deepEqual(three, {
    ...shared,
    ":status": "200",
    date: "Mon, 21 Oct 2013 20:13:22 GMT",
    "content-encoding": "gzip",
    "set-cookie": "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1",
  });
});

test("what is encoded is decoded, also when it is repeated", () => {
  const names = fc.constantFrom(":status", ":path", "content-type", "grpc-status", "x-custom", "authorization");
  const values = fc.string({ unit: fc.nat(255).map((code) => String.fromCharCode(code)), maxLength: 300 });
  const lists = fc.array(fc.array(fc.tuple(names, values)), { maxLength: 4 });
  fc.assert(
    fc.property(lists, (blocks) => {
      const decoder = new HpackDecoder();
      for (const headers of blocks) {
        const block = encodeHeaders(headers, new Set(["authorization"]));
        assert.deepEqual(object(decoder.decode(block)), Object.fromEntries(headers));
        assert.deepEqual(object(decoder.decode(block)), Object.fromEntries(headers));
      }
    }),
  );
  assert.equal(encodeHeaders([["authorization", "x"]], new Set(["authorization"]))[0]! & 0xf0, 0x10);
});

test("a repeated block is read again when the table has changed in between", () => {
  const decoder = new HpackDecoder();
  decoder.decode(hex("40 01 61 01 31")); // a: 1, into the table
  const newest = hex("be");
  assert.deepEqual(object(decoder.decode(newest)), { a: "1" });
  decoder.decode(hex("40 01 61 01 32"));
  assert.deepEqual(object(decoder.decode(newest)), { a: "2" });
});

test("malformed blocks are errors", () => {
  for (const [block, message] of [
    ["80", /index 0/],
    ["be", /index 62 is not in the table/],
    ["ffffffffff7f", /too large/],
    ["40", /cut off/],
    ["4005 6161", /cut off/],
    ["3fe21f", /table size/],
    ["82 20", /table size/],
    ["00 81 00 01 61", /padded/],
    ["00 84 ffffffff 01 61", /end of string/],
    ["00 82 1fff 01 61", /padded/],
  ] as const) {
    assert.throws(() => new HpackDecoder().decode(hex(block)), message, block);
  }
});

test("a small block cannot become a large list of headers", () => {
  const decoder = new HpackDecoder();
  decoder.decode(encodeHeaders([["x", "y"]]));
  const bomb = new Uint8Array(MAX_HEADER_LIST / 32).fill(0x82);
  assert.throws(() => decoder.decode(bomb), /bytes of headers/);
});

test("any bytes are decoded or refused", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 80 }), { maxLength: 5 }), (blocks) => {
      const decoder = new HpackDecoder();
      try {
        for (const block of blocks) decoder.decode(block);
      } catch (error) {
        assert.match(String(error), /HPACK: /);
      }
    }),
    { numRuns: 500 },
  );
});
