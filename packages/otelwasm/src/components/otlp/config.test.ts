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

test("errors name the path, and nothing is ignored", () => {
  assert.deepEqual(issues({ protocols: {} }), ["receivers::otlp::protocols: must have at least one of grpc and http"]);
  assert.deepEqual(issues({}), ["receivers::otlp::protocols: is required"]);
  for (const key of ["tls", "auth", "keepalive", "include_metadata", "read_buffer_size"]) {
    assert.match(
      issues({ protocols: { grpc: { [key]: {} } } })[0]!,
      new RegExp(`protocols::grpc::${key}: unknown key`),
    );
  }
  for (const key of ["tls", "auth", "cors", "include_metadata"]) {
    assert.match(
      issues({ protocols: { http: { [key]: {} } } })[0]!,
      new RegExp(`protocols::http::${key}: unknown key`),
    );
  }
  assert.match(issues({ protocols: { htp: {} } })[0]!, /protocols::htp: unknown key; did you mean "http"\?/);
  assert.match(issues({ protocols: { http: { endpoint: "4318" } } })[0]!, /http::endpoint: "4318" is not host:port/);
  assert.match(issues({ protocols: { http: { endpoint: "a:70000" } } })[0]!, /is not host:port/);
  assert.match(issues({ protocols: { http: { logs_url_path: "/a b" } } })[0]!, /must be a path/);
});
