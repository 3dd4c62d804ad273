import * as z from "zod";
import { version } from "../version.ts";

/** What stands beside all own telemetry, by name. */
export type ResourceAttributes = Readonly<Record<string, string | number | boolean>>;

/** `service::telemetry::resource`: what is added to the attributes that the collector has itself; null takes one away. */
export type ResourceSettings = Readonly<Record<string, string | number | boolean | null>>;

const value = z.union([z.string(), z.number(), z.boolean(), z.null()]);

/** As in the Collector, a map of attributes, or the declarative form `{attributes: [{name, value}]}`. */
export const resourceSchema: z.ZodType<ResourceSettings> = z
  .object({ attributes: z.array(z.strictObject({ name: z.string().min(1), value })).optional() })
  .catchall(value)
  .transform(({ attributes = [], ...map }) => ({
    ...(map as ResourceSettings),
    ...Object.fromEntries(attributes.map((each) => [each.name, each.value])),
  }));

/** The attributes of a collector: its dashboards tell instances apart by them. @param instance its id, for as long as it lives */
export function resourceOf(settings: ResourceSettings, instance: string): ResourceAttributes {
  const all: ResourceSettings = {
    "service.name": "otelwasm",
    "service.version": version(),
    "service.instance.id": instance,
    ...settings,
  };
  return Object.fromEntries(
    Object.entries(all).filter((entry): entry is [string, string | number | boolean] => entry[1] !== null),
  );
}
