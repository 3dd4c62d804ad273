/** Logs over one protocol to a sink, straight or through the attributes plugin, with own metrics of a level. */
export function forwarding(protocol: "http" | "grpc", sink: number, level: string, plugin: string | undefined): object {
  const helper = { compression: "none", sending_queue: { enabled: false }, retry_on_failure: { enabled: false } };
  const exporters = {
    http: { otlp_http: { endpoint: `http://127.0.0.1:${sink}`, ...helper } },
    grpc: { otlp_grpc: { endpoint: `127.0.0.1:${sink}`, tls: { insecure: true }, ...helper } },
  }[protocol];
  const actions = [{ key: "bench.attr", value: "inserted", action: "insert" }];
  const processors =
    plugin === undefined
      ? {}
      : { "wasm/attributes": { path: plugin, isolation: "inline", plugin_config: { actions } } };
  const readers = [{ pull: { exporter: { prometheus: { host: "127.0.0.1", port: 0 } } } }];
  return {
    receivers: { otlp: { protocols: { [protocol]: { endpoint: "127.0.0.1:0" } } } },
    processors,
    exporters,
    service: {
      telemetry: { logs: { level: "error" }, metrics: { level, readers } },
      pipelines: {
        logs: { receivers: ["otlp"], processors: Object.keys(processors), exporters: Object.keys(exporters) },
      },
    },
  };
}
