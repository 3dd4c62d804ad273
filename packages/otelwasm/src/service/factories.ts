import type { ComponentKind } from "../component/component.ts";
import type {
  ComponentFactory,
  ConnectorFactory,
  ExporterFactory,
  ExtensionFactory,
  ProcessorFactory,
  ReceiverFactory,
} from "../component/factory.ts";

/** `type` of a component, as the Collector allows it. */
export const TYPE_PATTERN: RegExp = /^[a-zA-Z][0-9a-zA-Z_]{0,62}$/;

export const COMPONENT_KINDS: readonly ComponentKind[] = [
  "receiver",
  "processor",
  "exporter",
  "connector",
  "extension",
];

/** The type in an id: `otlp` of `otlp/edge`. */
export function typeOf(id: string): string {
  const slash = id.indexOf("/");
  return slash < 0 ? id : id.slice(0, slash);
}

interface FactoryOf {
  readonly receiver: ReceiverFactory;
  readonly processor: ProcessorFactory;
  readonly exporter: ExporterFactory;
  readonly connector: ConnectorFactory;
  readonly extension: ExtensionFactory;
}

/** The component types that configurations may use, by kind and by type or alias. */
export class FactorySet {
  readonly #byName = new Map<string, ComponentFactory>();
  readonly #all: readonly ComponentFactory[];

  /** @throws Error if two factories of a kind share a name, or a type is not one */
  constructor(factories: readonly ComponentFactory[]) {
    this.#all = [...factories];
    for (const factory of factories) {
      for (const name of [factory.type, ...(factory.aliases ?? [])]) {
        if (!TYPE_PATTERN.test(name)) {
          throw new Error(`${factory.kind} type ${JSON.stringify(name)} does not match ${TYPE_PATTERN.source}`);
        }
        const key = `${factory.kind}/${name}`;
        if (this.#byName.has(key)) throw new Error(`two factories for the ${factory.kind} type "${name}"`);
        this.#byName.set(key, factory);
      }
    }
  }

  get<K extends ComponentKind>(kind: K, name: string): FactoryOf[K] | undefined {
    return this.#byName.get(`${kind}/${name}`) as FactoryOf[K] | undefined;
  }

  /** The factories of a kind, sorted by type. */
  list<K extends ComponentKind>(kind: K): FactoryOf[K][] {
    const found = this.#all.filter((factory) => factory.kind === kind) as FactoryOf[K][];
    return found.sort((a, b) => (a.type < b.type ? -1 : 1));
  }
}
