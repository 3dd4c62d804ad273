import assert from "node:assert/strict";
import { test } from "node:test";
import { applySchema } from "../../config/schema.ts";
import { schema } from "./config.ts";

const read = (tree: unknown) => applySchema(schema, tree, ["receivers", "otlp"]);
const issues = (tree: unknown) => {
  const checked = read(tree);
  return checked.ok ? [] : checked.issues;
};

test("defaults: a protocol without a value is switched on, one that is absent is off", () => {
  assert.deepEqual(read({ protocols: { grpc: null } }), {
    ok: true,
    value: {
      protocols: {
        grpc: {
          endpoint: { host: "localhost", port: 4317 },
          max_recv_msg_size_mib: 4 * 1024 * 1024,
          max_concurrent_streams: 0,
          keepalive: {
            maxIdle: Number.POSITIVE_INFINITY,
            maxAge: Number.POSITIVE_INFINITY,
            maxAgeGrace: Number.POSITIVE_INFINITY,
            time: 7_200_000,
            timeout: 20_000,
            minTime: 300_000,
            permitWithoutStream: false,
          },
        },
      },
    },
  });
  assert.deepEqual(read({ protocols: { http: null } }), {
    ok: true,
    value: {
      protocols: {
        http: {
          endpoint: { host: "localhost", port: 4318 },
          traces_url_path: "/v1/traces",
          metrics_url_path: "/v1/metrics",
          logs_url_path: "/v1/logs",
          max_request_body_size: 20 * 1024 * 1024,
          response_headers: {},
          compression_algorithms: ["", "gzip", "deflate", "zlib", "zstd"],
          read_timeout: 300_000,
          read_header_timeout: 60_000,
          write_timeout: 0,
          idle_timeout: 60_000,
          keep_alives_enabled: true,
        },
      },
    },
  });
});

test("what is given", () => {
  const checked = read({
    protocols: {
      grpc: { endpoint: "[::1]:0", max_recv_msg_size_mib: 16, max_concurrent_streams: 7 },
      http: { endpoint: ":8080", logs_url_path: "in/logs", max_request_body_size: 1000 },
    },
  });
  assert.ok(checked.ok);
  const { grpc, http } = checked.value.protocols;
  assert.deepEqual(grpc?.endpoint, { host: "::1", port: 0 });
  assert.equal(grpc?.max_recv_msg_size_mib, 16 * 1024 * 1024);
  assert.equal(grpc?.max_concurrent_streams, 7);
  assert.deepEqual(http?.endpoint, { host: "", port: 8080 });
  assert.equal(http?.logs_url_path, "/in/logs");
  assert.equal(http?.max_request_body_size, 1000);
});

test("addresses", () => {
  const endpointOf = (config: object) => {
    const checked = read({ protocols: { grpc: config } });
    return checked.ok ? checked.value.protocols.grpc?.endpoint : checked.issues[0];
  };
  assert.deepEqual(endpointOf({ transport: "unix", endpoint: "/run/otlp.sock" }), { path: "/run/otlp.sock" });
  assert.deepEqual(endpointOf({ endpoint: "unix:///run/otlp.sock" }), { path: "/run/otlp.sock" });
  assert.deepEqual(endpointOf({ transport: "tcp4", endpoint: ":1" }), { host: "", port: 1, family: 4 });
  assert.deepEqual(endpointOf({ transport: "tcp6", endpoint: "[::1]:1" }), { host: "::1", port: 1, family: 6 });
  for (const [config, message] of [
    [{ endpoint: "unix://" }, "unix socket path cannot be empty"],
    [{ endpoint: "/run/otlp.sock" }, /is not host:port, .* a path needs transport: unix$/],
  ] as const)
    assert.match(String(endpointOf(config)), new RegExp(message));
});

test("keepalive: 0 is the default, and a time below a second is one", () => {
  const keepaliveOf = (keepalive: object | null) => {
    const checked = read({ protocols: { grpc: { keepalive } } });
    assert.ok(checked.ok);
    return checked.value.protocols.grpc?.keepalive;
  };
  const server_parameters = {
    max_connection_idle: "11s",
    max_connection_age: "12s",
    max_connection_age_grace: "13s",
    time: "30s",
    timeout: "5s",
  };
  assert.deepEqual(
    keepaliveOf({ server_parameters, enforcement_policy: { min_time: "10s", permit_without_stream: true } }),
    {
      maxIdle: 11_000,
      maxAge: 12_000,
      maxAgeGrace: 13_000,
      time: 30_000,
      timeout: 5_000,
      minTime: 10_000,
      permitWithoutStream: true,
    },
  );
  assert.equal(keepaliveOf({ server_parameters: { time: "1ms" } })?.time, 1_000);
  assert.deepEqual(keepaliveOf({ server_parameters: { time: 0 } }), keepaliveOf(null));
});

test("errors name the path, and nothing is ignored", () => {
  assert.deepEqual(issues({ protocols: {} }), ["receivers::otlp::protocols: must have at least one of grpc and http"]);
  assert.deepEqual(issues({}), ["receivers::otlp::protocols: is required"]);
  for (const protocol of ["grpc", "http"])
    assert.deepEqual(
      issues({ protocols: { [protocol]: { middlewares: [{ id: "x" }], tls: {}, auth: {}, transport: "udp" } } }),
      [
        `receivers::otlp::protocols::${protocol}::transport: must be one of "tcp", "tcp4", "tcp6", "unix", not "udp"`,
        `receivers::otlp::protocols::${protocol}::tls: must include both certificate and key (cert_file and key_file, or cert_pem and key_pem)`,
        `receivers::otlp::protocols::${protocol}::middlewares: is not supported: there are no such extensions`,
        `receivers::otlp::protocols::${protocol}::auth::authenticator: is required`,
      ],
    );
  assert.deepEqual(
    issues({
      protocols: {
        http: {
          cors: { allowed_headers: ["a b"], max_age: "1" },
          response_headers: { "Content-Type": "x" },
          compression_algorithms: ["gzip", "snappy", "br"],
          read_timeout: 5,
        },
      },
    }),
    [
      "receivers::otlp::protocols::http::cors::allowed_headers::0: is not a header's name",
      "receivers::otlp::protocols::http::cors::max_age: must be a number, not a string",
      "receivers::otlp::protocols::http::response_headers: content-type is set by the receiver itself",
      "receivers::otlp::protocols::http::compression_algorithms::1: snappy is not supported; gzip, deflate, zlib and zstd are",
      'receivers::otlp::protocols::http::compression_algorithms::2: must be one of "", "gzip", "deflate", "zlib", "zstd", "snappy", "x-snappy-framed", "lz4", not "br"',
      'receivers::otlp::protocols::http::read_timeout: needs a unit, for example "5s" or "5ms"',
    ],
  );
  assert.match(issues({ protocols: { htp: {} } })[0]!, /protocols::htp: unknown key; did you mean "http"\?/);
  assert.match(issues({ protocols: { http: { endpoint: "4318" } } })[0]!, /http::endpoint: "4318" is not host:port/);
  assert.match(issues({ protocols: { http: { endpoint: "a:70000" } } })[0]!, /is not host:port/);
  assert.match(issues({ protocols: { http: { logs_url_path: "/a b" } } })[0]!, /must be a path/);
});
