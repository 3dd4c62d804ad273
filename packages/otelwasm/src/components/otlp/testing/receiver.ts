// A receiver for tests of one of its protocols, with extensions beside it.
import type { Extension, Receiver } from "../../../component/component.ts";
import { type LogLine, TestConsumer, testSettings } from "../../../transport/testing/support.ts";
import { otlpReceiver } from "../factory.ts";

interface StartedReceiver {
  readonly receiver: Receiver;
  readonly url: URL;
  readonly next: TestConsumer;
  readonly lines: LogLine[];
}

/** Receives logs. The test's end is to shut it down. @param config of the protocol; by default on a port that the system chooses */
export async function startReceiver(
  protocol: "grpc" | "http",
  config: object = {},
  extensions: Readonly<Record<string, Partial<Extension>>> = {},
): Promise<StartedReceiver> {
  const lines: LogLine[] = [];
  const next = new TestConsumer();
  const receiver = createReceiver(protocol, config, extensions, lines, next);
  await receiver.start();
  return { receiver, url: new URL(receiver.endpoints![0]!.url), next, lines };
}

export function createReceiver(
  protocol: "grpc" | "http",
  config: object,
  extensions: Readonly<Record<string, Partial<Extension>>> = {},
  lines: LogLine[] = [],
  next: TestConsumer = new TestConsumer(),
): Receiver {
  const nothing = { start: async () => {}, shutdown: async () => {} };
  const host = {
    extension: (id: string): Extension | undefined => {
      const found = extensions[id];
      return found === undefined ? undefined : { ...nothing, ...found };
    },
  };
  const parsed = otlpReceiver.schema.parse({ protocols: { [protocol]: { endpoint: "127.0.0.1:0", ...config } } });
  return otlpReceiver.create({ ...testSettings("otlp", "logs", lines), host }, parsed, next);
}
