import { stringify } from "yaml";
import { builtinFactories } from "../service/builtin.ts";
import { COMPONENT_KINDS, FactorySet } from "../service/factories.ts";
import { version } from "../service/version.ts";

/** The component types, in the shape of the Collector's `components` command. */
export function printComponents(): void {
  const factories = new FactorySet(builtinFactories);
  const listed = COMPONENT_KINDS.map((kind) => [
    `${kind}s`,
    factories.list(kind).map(({ type, aliases, description, ...factory }) => ({
      name: type,
      ...(aliases === undefined || aliases.length === 0 ? {} : { aliases }),
      description,
      ...("signals" in factory ? { signals: factory.signals } : {}),
      ...("pairs" in factory ? { signals: factory.pairs.map(({ from, to }) => `${from}-to-${to}`) } : {}),
    })),
  ]);
  const buildinfo = { command: "otelwasm", description: "OpenTelemetry Collector for Node.js", version: version() };
  process.stdout.write(stringify({ buildinfo, ...Object.fromEntries(listed) }, { aliasDuplicateObjects: false }));
}
