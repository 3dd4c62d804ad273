import type { Exporter } from "../../component/component.ts";

/** Takes everything and drops it. */
export function createExporter(): Exporter {
  return {
    capabilities: { mutatesData: false },
    start: async () => {},
    consume: async () => {},
    shutdown: async () => {},
  };
}
