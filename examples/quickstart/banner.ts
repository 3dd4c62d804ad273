/** What the quickstart says to a person. */

/** One log record by hand, for copying into a shell. @param httpUrl `http://localhost:4318` */
export function curlCommand(httpUrl: string): string {
  const record = {
    severityText: "INFO",
    body: { stringValue: "hello from curl" },
    attributes: [{ key: "user.email", value: { stringValue: "grace@example.com" } }],
  };
  const payload = JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords: [record] }] }] });
  return `curl -i ${httpUrl}/v1/logs -H 'content-type: application/json' -d '${payload}'`;
}

export function afterFirstOrder(config: string, grpcUrl: string, httpUrl: string, everyMs: number): string {
  return `
Above: a span, a metric and a log of a demo shop, as they come out of the plugin (examples/attributes). deployment.environment
was inserted, user.email is a hash, payment.card_number is gone; ${config} says so. The shop takes an order every ${everyMs / 1000} seconds.

Send your own:
  ${curlCommand(httpUrl)}
or let an OpenTelemetry SDK do it:
  OTEL_EXPORTER_OTLP_ENDPOINT=${grpcUrl} OTEL_EXPORTER_OTLP_PROTOCOL=grpc
  OTEL_EXPORTER_OTLP_ENDPOINT=${httpUrl} OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf

Ctrl-C drains and stops.
`;
}

export const PORTS_TAKEN = `Another program listens there (a collector?). Stop it, or choose other ports:
  QUICKSTART_GRPC_ENDPOINT=localhost:14317 QUICKSTART_HTTP_ENDPOINT=localhost:14318 npm start`;
