import type { Connector, Consumer } from "../../component/component.ts";
import type { ConnectorSettings } from "../../component/factory.ts";
import type { ForwardConfig } from "./config.ts";

/** Hands every batch on as it is: the same buffer, and the answer when those behind it have answered. */
export function createConnector(_settings: ConnectorSettings, _config: ForwardConfig, next: Consumer): Connector {
  return {
    capabilities: { mutatesData: false },
    start: async () => {},
    consume: (batch) => next.consume(batch),
    shutdown: async () => {},
  };
}
