import { type Logger, silentLogger } from "../../component/logger.ts";
import { parseConfig } from "../../config/load.ts";
import { assemble, type Collector } from "../collector.ts";
import { resolveConfig } from "../config.ts";
import { FactorySet } from "../factories.ts";
import { createWorld, type World } from "./components.ts";

/** What a configuration of components in memory becomes; a component has 50 ms to shut down. */
export function collectorOf(yaml: string, logger: Logger = silentLogger): World & { collector: Collector } {
  const world = createWorld();
  const config = resolveConfig(parseConfig(yaml), new FactorySet(world.factories));
  return { ...world, collector: assemble(config, { logger, shutdownTimeoutMs: 50 }) };
}

/** What was created, in its order. */
export function created(world: World): string[] {
  return world.events.filter((event) => event.startsWith("create ")).map((event) => event.slice(7));
}

/** To what something was done, in its order. @param what `start`, `shutdown` */
export function happened(world: World, what: string): string[] {
  return world.events.filter((event) => event.startsWith(`${what} `)).map((event) => event.slice(what.length + 1));
}
