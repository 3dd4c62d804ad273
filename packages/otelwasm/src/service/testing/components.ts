import * as z from "zod";
import type { Consumer, Endpoint } from "../../component/component.ts";
import {
  type ComponentFactory,
  type ComponentSettings,
  defineConnector,
  defineExporter,
  defineExtension,
  defineProcessor,
  defineReceiver,
  type ExtensionHost,
} from "../../component/factory.ts";
import type { Batch, Signal } from "../../telemetry/batch.ts";

/** Real components that live in memory: what they are asked to do is written down, what they receive is kept. */
export interface World {
  readonly factories: readonly ComponentFactory[];
  /** `start exporter mem`, `create processor tag traces`, ... in the order it happened. */
  readonly events: string[];
  /** Feeds the pipelines of a receiver: `"mem traces"`. */
  readonly inputs: Map<string, Consumer>;
  /** What an exporter got: `"mem traces"`. */
  readonly outputs: Map<string, Batch[]>;
  /** What a component was told about itself: `"exporter mem traces"`, `"extension mem"`. */
  readonly settings: Map<string, OwnSettings>;
  /** What an extension can ask: by its id. */
  readonly hosts: Map<string, ExtensionHost>;
}

type OwnSettings = Omit<ComponentSettings, "signal" | "shared">;

const behaviour = z.strictObject({
  /** What fails: `create`, `start`, `shutdown`, `consume`. */
  fail: z.enum(["create", "start", "shutdown", "consume"]).optional(),
  /** Never ends. */
  hang: z.enum(["start", "shutdown"]).optional(),
  shutdown_timeout: z.number().optional(),
  mutates: z.boolean().default(false),
  /** Appended to the data: a processor that writes to the buffer it is given, if it says that it may. */
  tag: z.int().min(0).max(255).optional(),
  endpoints: z.array(z.string()).default([]),
  label: z.string().optional(),
});
type Behaviour = z.infer<typeof behaviour>;

export function createWorld(): World {
  const events: string[] = [];
  const inputs = new Map<string, Consumer>();
  const outputs = new Map<string, Batch[]>();
  const known = new Map<string, OwnSettings>();
  const hosts = new Map<string, ExtensionHost>();

  function lifecycle(
    kind: string,
    settings: OwnSettings & { readonly signal?: Signal; readonly outputSignal?: Signal },
    config: Behaviour,
  ) {
    const name = [kind, settings.id, settings.signal ?? [], settings.outputSignal ?? []].flat().join(" ");
    known.set(name, settings);
    if (config.fail === "create") throw new Error(`${kind} does not want to be`);
    events.push(`create ${name}`);
    const step = (what: "start" | "shutdown") => async (): Promise<void> => {
      events.push(`${what} ${name}`);
      if (config.hang === what) await new Promise<never>(() => {});
      if (config.fail === what) throw new Error(`${what} went wrong`);
    };
    const { shutdown_timeout: shutdownTimeoutMs } = config;
    const life = { start: step("start"), shutdown: step("shutdown") };
    return shutdownTimeoutMs === undefined ? life : { ...life, shutdownTimeoutMs };
  }

  const common = { type: "mem", signals: ["traces", "metrics", "logs"], schema: behaviour } as const;
  const factories: ComponentFactory[] = [
    defineReceiver({
      ...common,
      kind: "receiver",
      description: "Gives what a test puts in",
      create(settings, config, next) {
        const life = lifecycle("receiver", settings, config);
        inputs.set(`${settings.id} ${settings.signal}`, next);
        let endpoints: readonly Endpoint[] = [];
        return {
          async start() {
            await life.start();
            endpoints = config.endpoints.map((url) => ({ protocol: "mem", url }));
          },
          shutdown: life.shutdown,
          get endpoints() {
            return endpoints;
          },
        };
      },
    }),
    defineProcessor({
      ...common,
      kind: "processor",
      description: "Marks what goes through it",
      create: (settings, config, next) => ({
        ...lifecycle("processor", settings, config),
        capabilities: { mutatesData: config.mutates },
        async consume(batch) {
          if (config.tag === undefined) return next.consume(batch);
          if (!config.mutates) return next.consume({ ...batch, bytes: Uint8Array.of(...batch.bytes, config.tag) });
          batch.bytes[0] = config.tag;
          return next.consume(batch);
        },
      }),
    }),
    defineExporter({
      ...common,
      kind: "exporter",
      aliases: ["memory"],
      description: "Keeps what it gets",
      create: (settings, config) => ({
        ...lifecycle("exporter", settings, config),
        capabilities: { mutatesData: config.mutates },
        async consume(batch) {
          const key = `${settings.id} ${settings.signal}`;
          outputs.set(key, [...(outputs.get(key) ?? []), batch]);
          if (config.mutates) batch.bytes.fill(0xff);
          if (config.fail === "consume") throw new Error(`${settings.id} is full`);
        },
      }),
    }),
    defineExporter({
      kind: "exporter",
      type: "traces_only",
      signals: ["traces"],
      description: "Takes traces",
      schema: z.strictObject({ endpoint: z.string() }),
      create: (settings) => ({
        ...lifecycle("exporter", settings, behaviour.parse({})),
        capabilities: { mutatesData: false },
        async consume() {},
      }),
    }),
    ...(["mem", "other"] as const).map((type) =>
      defineConnector({
        ...common,
        kind: "connector",
        type,
        pairs:
          type === "mem"
            ? [
                { from: "traces", to: "traces" },
                { from: "traces", to: "logs" },
                { from: "logs", to: "logs" },
              ]
            : [{ from: "metrics", to: "logs" }],
        description: "Connects",
        create: (settings, config, next) => ({
          ...lifecycle("connector", settings, config),
          capabilities: { mutatesData: config.mutates },
          async consume({ bytes }) {
            const signal = settings.outputSignal;
            // What becomes another signal is never the same buffer.
            if (signal !== settings.signal) return next.consume({ signal, bytes: bytes.slice() });
            if (config.mutates) bytes.fill(config.tag ?? 0xee);
            return next.consume({ signal, bytes });
          },
        }),
      }),
    ),
    defineExtension({
      kind: "extension",
      type: "mem",
      description: "Stands beside",
      schema: behaviour,
      create(settings, config) {
        hosts.set(settings.id, settings.host);
        return {
          ...lifecycle("extension", settings, config),
          endpoints: config.endpoints.map((url) => ({ protocol: "mem", url })),
        };
      },
    }),
  ];
  return { factories, events, inputs, outputs, settings: known, hosts };
}
