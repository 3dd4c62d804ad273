import { createNoopMeter } from "@opentelemetry/api";
import type { ComponentSettings, ExtensionSettings } from "../factory.ts";
import type { StatusReport } from "../health.ts";
import { silentLogger } from "../logger.ts";

/** Settings as the service makes them; what a test does not care for says nothing, and what is reported goes to `reports`. */
export function settingsWith(
  own: Pick<ComponentSettings, "id" | "signal"> & Partial<ComponentSettings>,
  reports: StatusReport[] = [],
): ComponentSettings {
  return {
    logger: silentLogger,
    meter: createNoopMeter(),
    attributes: { "otelcol.component.id": own.id },
    reportStatus: (report) => void reports.push(report),
    shared: new Map(),
    host: { extension: () => undefined },
    ...own,
  };
}

/** The same for an extension. */
export function extensionSettings(id: string): ExtensionSettings {
  return {
    id,
    logger: silentLogger,
    meter: createNoopMeter(),
    attributes: { "otelcol.component.id": id },
    reportStatus: () => {},
    host: { extension: () => undefined, health: () => ({ status: "OK", pipelines: {}, extensions: [] }) },
  };
}
