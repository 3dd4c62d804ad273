/** Requests over HTTP/1.1 that are wrong, byte for byte, and what a server may say to each. */
import { connect } from "node:net";
import { type Body, COMPRESSED, JSON_BODIES, PROTOBUF, valid } from "./bodies.ts";
import { alter, closing, cut, type Mutation } from "./mutation.ts";

interface Raw {
  readonly bytes: Buffer;
  /** The client then says that nothing more will come: for what would be waited for. */
  readonly ends?: true;
}

const TYPE = { protobuf: "application/x-protobuf", json: "application/json" } as const;
const OK = "HTTP 200";
const BAD = "HTTP 400";
const EITHER = [OK, BAD] as const;
const STATUS = { valid: [OK], invalid: [BAD], either: EITHER, "too large": ["HTTP 413"] } as const;

interface Line {
  readonly method?: string;
  readonly path?: string;
  readonly version?: string;
  readonly headers?: readonly string[];
  /** Instead of the true one; null: none. */
  readonly length?: string | null;
  readonly type?: string | null;
}

function request({ signal, bytes }: Body, line: Line = {}): Raw {
  const { method = "POST", path = `/v1/${signal}`, version = "HTTP/1.1", headers = [], length, type } = line;
  const head = [
    `${method} ${path} ${version}`,
    "Host: collector",
    "Connection: close",
    ...(type === null ? [] : [`Content-Type: ${type ?? TYPE.protobuf}`]),
    ...(length === null ? [] : [`Content-Length: ${length ?? bytes.length}`]),
    ...headers,
  ];
  return { bytes: Buffer.concat([Buffer.from(`${head.join("\r\n")}\r\n\r\n`, "latin1"), bytes]) };
}

function ending({ bytes }: Raw): Raw {
  return { bytes, ends: true };
}

function http(name: string, allowed: readonly string[], make: Mutation<Raw>["make"]): Mutation<Raw> {
  return { name: `HTTP: ${name}`, allowed, make };
}

/** As chunks; `size` and `end` are what is written of them. */
function chunked(body: Body, size = body.bytes.length.toString(16), end = "\r\n0\r\n\r\n"): Raw {
  const framed = Buffer.concat([Buffer.from(`${size}\r\n`), body.bytes, Buffer.from(end)]);
  return request({ ...body, bytes: framed }, { length: null, headers: ["Transfer-Encoding: chunked"] });
}

/** RFC 9112. Node.js' own parser reads them; what it lets through is this project's to judge. */
const MESSAGES: readonly Mutation<Raw>[] = [
  http("as it should be", [OK], (random) => request(valid(random))),
  http("in chunks", [OK], (random) => chunked(valid(random))),
  http("a query, and a type with parameters", [OK], (random) => {
    const body = valid(random);
    return request(body, { path: `/v1/${body.signal}?x=%00`, type: `${TYPE.protobuf}; charset=utf-8` });
  }),
  http("other methods", ["HTTP 405"], (random) =>
    request(valid(random), { method: random.pick(["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND"]) }),
  ),
  http("methods that there are not", [BAD], (random) =>
    request(valid(random), { method: random.pick(["post", "P0ST", "\u0001", "PO ST"]) }),
  ),
  http("other paths", ["HTTP 404"], (random) =>
    request(valid(random), { path: random.pick(["/", "/v1/trace", "/v1/traces/", "/v2/logs", "//v1/logs", "/%76"]) }),
  ),
  http("paths that are none", [BAD], (random) =>
    request(valid(random), { path: random.pick(["v1 traces", "/v1/tra ces"]) }),
  ),
  http("a path without end", ["HTTP 431", "HTTP 414"], (random) =>
    request(valid(random), { path: `/${"a".repeat(70_000)}` }),
  ),
  http("no type", ["HTTP 415"], (random) => request(valid(random), { type: null })),
  http("other types", ["HTTP 415"], (random) =>
    request(valid(random), { type: random.pick(["text/plain", "application/grpc", "application/x-proto", "", ";"]) }),
  ),
  http("other codings", [BAD], (random) =>
    request(valid(random), { headers: [`Content-Encoding: ${random.pick(["br", "snappy", "gzip, gzip", "x"])}`] }),
  ),
  http("a length that is none", [BAD], (random) =>
    request(valid(random), { length: random.pick(["-1", "abc", "1e3", "0x10", "99999999999999999999999", "1 2"]) }),
  ),
  http("two lengths", [BAD], (random) => request(valid(random), { headers: ["Content-Length: 1"] })),
  http("a length and chunks", [BAD], (random) => request(valid(random), { headers: ["Transfer-Encoding: chunked"] })),
  http("a length beyond the limit", ["HTTP 413"], (random) => request(valid(random), { length: String(2 ** 31) })),
  http("more than its length says", [BAD], (random) => request(valid(random), { length: "3" })),
  http("less than its length says", [BAD, "closed"], (random) => ending(request(valid(random), { length: "100000" }))),
  http("chunk sizes that are none", [BAD], (random) =>
    chunked(valid(random), random.pick(["xyz", "-1", "", "fffffffffffffffff"])),
  ),
  http("chunks without an end", [BAD, "closed"], (random) => ending(chunked(valid(random), undefined, "\r\n"))),
  http("a chunk longer than its size", [BAD], (random) => chunked(valid(random), "1")),
  http("no host", [BAD], () => ({ bytes: Buffer.from("POST /v1/logs HTTP/1.1\r\nContent-Length: 0\r\n\r\n") })),
  http("headers that are none", [BAD], (random) =>
    request(valid(random), { headers: [random.pick(["no colon", ": no name", "a b: c", "x: \u0000", "x\u0001y: z"])] }),
  ),
  http("headers without end", ["HTTP 431"], (random) =>
    request(valid(random), { headers: [`X: ${"a".repeat(70_000)}`] }),
  ),
  http("headers without number", ["HTTP 431", OK], (random) =>
    request(valid(random), { headers: Array.from({ length: 3_000 }, (_, n) => `X-${n}: a`) }),
  ),
  http("versions that there are not", [BAD, "HTTP 505"], (random) =>
    request(valid(random), { version: random.pick(["HTTP/3.0", "HTTP/1.", "HTP/1.1", "HTTP/9.9"]) }),
  ),
  http("a part of a request", [BAD, "closed"], (random) =>
    ending({ bytes: cut(random, request(valid(random)).bytes) }),
  ),
  http("any bytes", [BAD, "closed"], (random) => ending({ bytes: random.bytes(random.between(1, 500)) })),
  http("TLS' first words", [BAD], (random) => ({
    bytes: Buffer.concat([Buffer.from("16030100f8010000f40303", "hex"), random.bytes(240)]),
  })),
  http("HTTP/2's first words", [BAD, "HTTP 405", "HTTP 505"], () => ({
    bytes: Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
  })),
  http(
    "a few bits of the head",
    [OK, BAD, "HTTP 404", "HTTP 405", "HTTP 413", "HTTP 415", "HTTP 431", "HTTP 505", "HTTP 417", "closed"],
    (random) => {
      const { bytes } = request({ signal: "logs", bytes: new Uint8Array() });
      return ending({ bytes: alter(random, bytes, random.between(1, 4)) });
    },
  ),
];

export const HTTP: readonly Mutation<Raw>[] = [
  ...MESSAGES,
  ...PROTOBUF.map(({ name, is, make }) => http(name, STATUS[is], (random) => request(make(random)))),
  ...JSON_BODIES.map(({ name, is, make }) =>
    http(name, STATUS[is], (random) => request(make(random), { type: TYPE.json })),
  ),
  ...COMPRESSED.map(({ name, is, make }) =>
    http(name, STATUS[is], (random) => {
      const body = make(random);
      return request(body, { headers: [`Content-Encoding: ${body.coding}`] });
    }),
  ),
];

const PATIENCE_MS = 30_000;

/** Writes it on a connection of its own. @returns what came of it */
export async function sendRaw(url: string, { bytes, ends }: Raw): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
  const { promise: answered, resolve } = Promise.withResolvers<string>();
  let answer = "";
  socket.on("data", (chunk: Buffer) => {
    answer += chunk.toString("latin1");
    const status = /^HTTP\/1\.1 (\d+)/.exec(answer)?.[1];
    if (status !== undefined) resolve(`HTTP ${status}`);
  });
  socket.on("error", () => socket.destroy());
  socket.on("end", () => socket.destroy());
  socket.setTimeout(PATIENCE_MS, () => socket.destroy());
  const closed = closing(socket).then(() => "closed");
  socket.write(bytes);
  if (ends) socket.end();
  const outcome = await Promise.race([answered, closed]);
  socket.destroy();
  return outcome;
}
