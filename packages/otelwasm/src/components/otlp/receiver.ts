import type { Consumer, Endpoint, Receiver } from "../../component/component.ts";
import type { ComponentSettings } from "../../component/factory.ts";
import type { Signal } from "../../telemetry/batch.ts";
import type { OtlpReceiverConfig } from "./config.ts";
import { GrpcServer } from "./grpc.ts";
import { HttpServer } from "./http.ts";
import { Intake } from "./intake.ts";
import { listenerSettings } from "./listener.ts";

/** One for each id, whatever the number of signals: they share its ports. */
class OtlpServer {
  readonly intake: Intake;
  readonly #settings: ComponentSettings;
  readonly #listeners: readonly (GrpcServer | HttpServer)[];
  readonly #forget: () => void;
  #users = 0;
  #started: Promise<readonly Endpoint[]> | undefined;
  #closed: Promise<unknown> | undefined;

  constructor(settings: ComponentSettings, config: OtlpReceiverConfig, forget: () => void) {
    const { grpc, http } = config.protocols;
    this.#settings = settings;
    this.#forget = forget;
    this.intake = new Intake([
      ...(grpc === undefined ? [] : ["grpc" as const]),
      ...(http === undefined ? [] : ["http" as const]),
    ]);
    this.#listeners = [
      ...(grpc === undefined ? [] : [new GrpcServer(grpc, this.intake, listenerSettings(settings, "grpc", grpc.auth))]),
      ...(http === undefined ? [] : [new HttpServer(http, this.intake, listenerSettings(settings, "http", http.auth))]),
    ];
  }

  join(settings: ComponentSettings, next: Consumer): void {
    this.#users++;
    this.intake.register(settings, next);
  }

  /** The first signal's start opens the ports. */
  async start(signal: Signal): Promise<readonly Endpoint[]> {
    this.#started ??= this.#listen();
    const endpoints = await this.#started;
    // One that came later.
    this.intake.open(signal);
    return endpoints;
  }

  async #listen(): Promise<readonly Endpoint[]> {
    // All of them: what comes after receivers has started, and the first client may come before the second signal's turn.
    this.intake.openAll();
    const endpoints: Endpoint[] = [];
    for (const listener of this.#listeners) {
      const url = await listener.listen(this.#settings.ports);
      endpoints.push({ protocol: listener.protocol, url });
      this.#settings.logger.info(`Starting ${listener.protocol === "grpc" ? "GRPC" : "HTTP"} server`, {
        endpoint: url.replace(/^[a-z]+:\/\//, ""),
      });
    }
    return endpoints;
  }

  /** The last signal's shutdown closes the ports. */
  async shutdown(signal: Signal): Promise<void> {
    this.#users--;
    // Signals that are shut down together go together: who is still connected may send any of them.
    await Promise.resolve();
    if (this.#users === 0) {
      this.#closed ??= this.#close();
      await this.#closed;
    }
    // Clients may have gone; what they have sent is still on its way.
    await this.intake.close(signal);
  }

  async #close(): Promise<void> {
    this.#forget();
    // A start that failed has told its caller; what it had opened is closed here.
    await this.#started?.catch(() => undefined);
    // Ports first: whoever comes now is refused by the system and goes elsewhere, whoever is in is served.
    await Promise.all(this.#listeners.map((listener) => listener.shutdown()));
  }
}

/** @returns the receiver for one signal; receivers with the same id are one server */
export function createReceiver(settings: ComponentSettings, config: OtlpReceiverConfig, next: Consumer): Receiver {
  const key = `otlp receiver ${settings.id}`;
  const found = settings.shared.get(key);
  const server =
    found instanceof OtlpServer ? found : new OtlpServer(settings, config, () => settings.shared.delete(key));
  settings.shared.set(key, server);
  server.join(settings, next);
  let endpoints: readonly Endpoint[] = [];
  return {
    get endpoints(): readonly Endpoint[] {
      return endpoints;
    },
    async start(): Promise<void> {
      endpoints = await server.start(settings.signal);
    },
    async shutdown(): Promise<void> {
      await server.shutdown(settings.signal);
      endpoints = [];
    },
  };
}
