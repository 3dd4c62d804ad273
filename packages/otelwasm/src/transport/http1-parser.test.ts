import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type HttpResponse, MAX_KEPT_BODY, ResponseParser } from "./http1-parser.ts";

function parse(
  text: string | Buffer,
  cuts: readonly number[] = [],
  parser: ResponseParser = new ResponseParser(),
): HttpResponse | undefined {
  const bytes = typeof text === "string" ? Buffer.from(text, "latin1") : text;
  let response: HttpResponse | undefined;
  let at = 0;
  for (const cut of [...cuts.map((each) => each % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]) {
    // The memory of a chunk is used again: what the parser keeps must be its own.
    const chunk = Buffer.from(bytes.subarray(at, cut));
    if (chunk.length > 0) response = parser.push(chunk);
    chunk.fill(0xff);
    at = cut;
  }
  return response;
}

const anywhere = fc.array(fc.nat(400), { maxLength: 8 });

test("any cut gives the same answer: length, chunks with extensions and trailers, interim answers before it", () => {
  const body = "hello\r\n0\r\n\r\nworld";
  const answers = [
    `HTTP/1.1 200 OK\r\nContent-Type: a/b\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    `HTTP/1.1 200\r\ncontent-type:  a/b \r\ntransfer-encoding: Chunked\r\n\r\n5;x=y\r\nhello\r\nC\r\n\r\n0\r\n\r\nworld\r\n0\r\nX: y\r\n\r\n`,
    `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Type: a/b\r\nContent-Length: 17\r\n\r\n${body}`,
  ];
  fc.assert(
    fc.property(fc.constantFrom(...answers), anywhere, anywhere, (text, cuts, again) => {
      const parser = new ResponseParser();
      for (const each of [cuts, again, []]) {
        const response = parse(text, each, parser);
        assert.equal(response?.status, 200);
        assert.equal(response.headers.get("content-type"), "a/b");
        assert.equal(Buffer.from(response.body).toString("latin1"), body);
        assert.equal(parser.keepAlive, true);
        assert.equal(parser.begun, false);
      }
    }),
  );
});

test("an answer until the connection is closed", () => {
  const parser = new ResponseParser();
  assert.equal(parse("HTTP/1.1 500 X\r\n\r\nsome text", [3, 20], parser), undefined);
  assert.equal(Buffer.from(parser.end()!.body).toString(), "some text");
  assert.equal(parser.keepAlive, false);
  const cut = new ResponseParser();
  parse("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", [], cut);
  assert.equal(cut.end(), undefined);
  assert.equal(cut.begun, true);
});

test("whether the connection is kept", () => {
  const keeps = (lines: string): boolean => {
    const parser = new ResponseParser();
    assert.ok(parse(`${lines}\r\n\r\n`, [], parser) !== undefined);
    return parser.keepAlive;
  };
  assert.equal(keeps("HTTP/1.1 204 No Content"), true);
  assert.equal(keeps("HTTP/1.1 200 OK\r\nContent-Length: 0"), true);
  assert.equal(keeps("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: foo, Close"), false);
  assert.equal(keeps("HTTP/1.0 200 OK\r\nContent-Length: 0"), false);
  assert.equal(keeps("HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: Keep-Alive"), true);
  assert.equal(keeps("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0"), false);
});

test("of a large body the start is kept", () => {
  const body = Buffer.alloc(MAX_KEPT_BODY + 5_000, 7);
  const response = parse(
    Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`), body]),
    [100, 50_000],
  );
  assert.equal(response?.body.length, MAX_KEPT_BODY);
});

test("what is not an answer is an error", () => {
  for (const text of [
    "ICY 200 OK\r\n\r\n",
    "HTTP/2 200\r\n\r\n",
    "HTTP/1.1 20 OK\r\n\r\n",
    "HTTP/1.1 101 Switching Protocols\r\n\r\n",
    "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
    "HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
    "HTTP/1.1 200 OK\r\nA: b\r\n folded: c\r\n\r\n",
    "HTTP/1.1 200 OK\r\nA: b\nContent-Length: 3\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nA: b\rc\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nmore",
    `HTTP/1.1 200 OK\r\nX: ${"y".repeat(70_000)}`,
  ]) {
    assert.throws(() => parse(text), /malformed HTTP response|unsupported Transfer-Encoding/, text.slice(0, 80));
  }
});

test("any bytes give an answer, an error, or nothing yet", () => {
  const start = fc.constantFrom("", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
  fc.assert(
    fc.property(
      start,
      fc.string({ unit: fc.constantFrom(..."0123af:; \r\n\r\nHTTP/1.") }),
      anywhere,
      (head, rest, cuts) => {
        try {
          parse(head + rest, cuts);
        } catch (error) {
          assert.match(String(error), /malformed HTTP response/);
        }
      },
    ),
  );
});
