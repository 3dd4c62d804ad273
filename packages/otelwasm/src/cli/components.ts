import { stringify } from "yaml";
import { builtinFactories } from "../service/builtin.ts";
import { FactorySet } from "../service/factories.ts";
import { version } from "./version.ts";

/** The component types, in the shape of the Collector's `components` command. */
export function printComponents(): void {
  const factories = new FactorySet(builtinFactories);
  const listed = (["receiver", "processor", "exporter"] as const).map((kind) => [
    `${kind}s`,
    factories.list(kind).map(({ type, aliases, description, signals }) => ({
      name: type,
      ...(aliases === undefined || aliases.length === 0 ? {} : { aliases }),
      description,
      signals,
    })),
  ]);
  const buildinfo = { command: "otelwasm", description: "OpenTelemetry Collector for Node.js", version: version() };
  process.stdout.write(stringify({ buildinfo, ...Object.fromEntries(listed) }, { aliasDuplicateObjects: false }));
}
