// Which of an author's exported classes are plugins, what they can do, and the module's exports that follow from that.
import { ClassDeclaration, ExportStatement, MethodDeclaration, NamedTypeNode, type Source } from "assemblyscript";
import { type AuthorClass, isOfSdk, type Names, type Problem } from "./ast.ts";

const SIGNALS = ["Traces", "Metrics", "Logs"] as const;
type Signal = (typeof SIGNALS)[number];

/** A kind of component: the method that its classes have for each signal, and the export through which the host calls it. */
interface Kind {
  name: "Receiver" | "Processor" | "Exporter";
  verb: "receive" | "process" | "export";
  /** The method's parameters and result, as an author writes them. */
  signature: (signal: Signal) => string;
  exported: (signal: Signal) => string;
  /** The text of the export: the class's instance is in `plugin<i>`. */
  text: (plugin: PluginClass, i: number, signal: Signal) => string;
}

const KINDS: readonly Kind[] = [
  {
    name: "Receiver",
    verb: "receive",
    signature: () => "(): void",
    exported: (signal) => `start_${signal.toLowerCase()}_receiver`,
    text: (plugin, i, signal) => receiverText(plugin, i, signal),
  },
  {
    name: "Processor",
    verb: "process",
    signature: (signal) => `(${signal.toLowerCase()}: ${signal}): Status`,
    exported: (signal) => `consume_${signal.toLowerCase()}`,
    text: (plugin, i, signal) =>
      consumerText(plugin, i, signal, (status) => `__answerBatch(batch, ${status}, __${signal.toUpperCase()})`),
  },
  {
    name: "Exporter",
    verb: "export",
    signature: (signal) => `(${signal.toLowerCase()}: ${signal}): Status`,
    exported: (signal) => `consume_${signal.toLowerCase()}`,
    text: (plugin, i, signal) => consumerText(plugin, i, signal, (status) => `__answerExport(${status})`),
  },
];

interface PluginClass {
  name: string;
  kind: Kind;
  signals: Signal[];
  /** Signals whose method answers a Status; the others' answer nothing. */
  answering: Signal[];
}

interface PluginModule {
  text: string;
  /** Whether one of its functions lasts as long as the collector, so that memory must be given back while it runs. */
  receives: boolean;
}

/**
 * @param entry the author's entry file
 * @returns the text of a module that exports the plugin's functions, to stand beside the entry; or what is wrong
 */
export function pluginModule(entry: Source, names: Names): PluginModule | { problems: Problem[] } {
  const plugins: PluginClass[] = [];
  const problems: Problem[] = [];
  for (const { name, author } of exportedClasses(entry, names)) {
    const plugin = pluginClass(name, author, names, problems);
    if (plugin !== undefined) plugins.push(plugin);
  }
  if (plugins.length === 0 && problems.length === 0) {
    const bases = KINDS.flatMap((kind) => SIGNALS.map((signal) => signal + kind.name)).join(", ");
    problems.push({
      message: `No plugin here: export a class that extends one of ${bases}, for example \`export class Plugin extends LogsProcessor\``,
      range: entry.range,
    });
  }
  problems.push(...clashes(entry, plugins));
  return problems.length > 0
    ? { problems }
    : { text: moduleText(entry, plugins), receives: plugins.some(({ kind }) => kind.name === "Receiver") };
}

/** An export has one class behind it, and processors and exporters have the same ones. */
function clashes(entry: Source, plugins: readonly PluginClass[]): Problem[] {
  const behind = new Map<string, { plugin: PluginClass; signal: Signal }[]>();
  for (const plugin of plugins) {
    for (const signal of plugin.signals) {
      const exported = plugin.kind.exported(signal);
      behind.set(exported, [...(behind.get(exported) ?? []), { plugin, signal }]);
    }
  }
  const problems: Problem[] = [];
  for (const [exported, owners] of behind) {
    const [first, second] = owners;
    if (first === undefined || second === undefined) continue;
    const both = owners.map(({ plugin }) => plugin.name).join(" and ");
    const { kind } = first.plugin;
    const message =
      kind === second.plugin.kind
        ? `${both} both ${kind.verb === "process" ? "take" : kind.verb} ${first.signal.toLowerCase()}: one class of a module may`
        : `${owners.map(({ plugin }) => `${plugin.name} (${plugin.kind.name.toLowerCase()})`).join(" and ")} would both be the module's ${exported}, and the host could not tell them apart: build one of them as a module of its own`;
    problems.push({ message, range: entry.range });
  }
  return problems;
}

function exportedClasses(entry: Source, names: Names): { name: string; author: AuthorClass }[] {
  const found: { name: string; author: AuthorClass }[] = [];
  for (const statement of entry.statements) {
    if (statement instanceof ClassDeclaration && (statement.flags & 2) !== 0)
      found.push({ name: statement.name.text, author: { declaration: statement, source: entry } });
    if (!(statement instanceof ExportStatement)) continue;
    for (const member of statement.members ?? []) {
      const name = member.exportedName.text;
      const author = names.classOf(name, entry);
      if (author !== undefined) found.push({ name, author });
    }
  }
  return found;
}

function pluginClass(name: string, author: AuthorClass, names: Names, problems: Problem[]): PluginClass | undefined {
  const methods = new Map<string, MethodDeclaration>();
  let each: AuthorClass | undefined = author;
  while (each !== undefined && !isOfSdk(each)) {
    for (const member of each.declaration.members)
      if (member instanceof MethodDeclaration && !methods.has(member.name.text)) methods.set(member.name.text, member);
    each = names.baseOf(each);
  }
  if (each === undefined) return undefined;
  const base = each.declaration.name.text;
  const kind = KINDS.find((candidate) => base.endsWith(candidate.name));
  if (kind === undefined) return undefined;
  const range = author.declaration.name.range;
  const promised = SIGNALS.find((signal) => base === signal + kind.name);
  const signals = SIGNALS.filter((signal) => methods.has(kind.verb + signal));
  if (promised !== undefined && !signals.includes(promised)) {
    const method = kind.verb + promised;
    problems.push({
      message: `Class '${name}' extends ${base} and has no method \`${method}${kind.signature(promised)}\``,
      range,
    });
    return undefined;
  }
  if (signals.length === 0) {
    const wanted = SIGNALS.map((signal) => kind.verb + signal).join(", ");
    problems.push({ message: `Class '${name}' extends ${base} and has none of the methods ${wanted}`, range });
    return undefined;
  }
  const answering = signals.filter((signal) => answersStatus(methods.get(kind.verb + signal)));
  return { name, kind, signals, answering };
}

function answersStatus(method: MethodDeclaration | undefined): boolean {
  const type = method?.signature.returnType;
  return type instanceof NamedTypeNode && type.name.identifier.text !== "void";
}

function consumerText(plugin: PluginClass, i: number, signal: Signal, answer: (status: string) => string): string {
  const name = plugin.kind.exported(signal);
  return `
export function ${name}(pointer: usize, size: usize): i32 {
  const plugin = plugin${i};
  if (plugin === null) return __fail("${name} was called before start");
  const batch = __takeBatch(pointer, size);
  if (batch === null) return __settle(1);
  return ${answer(`plugin.${plugin.kind.verb}${signal}(changetype<__${signal}>(batch))`)};
}`;
}

function receiverText(plugin: PluginClass, i: number, signal: Signal): string {
  const name = plugin.kind.exported(signal);
  const call = `plugin.${plugin.kind.verb}${signal}()`;
  return `
export function ${name}(): void {
  const plugin = plugin${i};
  if (plugin === null) {
    __fail("${name} was called before start");
    return;
  }
  __beginReceiving();
  ${plugin.answering.includes(signal) ? `__answer(${call})` : call};
  __endReceiving();
}`;
}

function moduleText(entry: Source, plugins: readonly PluginClass[]): string {
  const mask = (signals: readonly Signal[]): string => signals.map((signal) => signal.toUpperCase()).join(" | ");
  const each = (line: (plugin: PluginClass, i: number) => string): string => plugins.map(line).join("\n");
  const signals = SIGNALS.filter((signal) => plugins.some((plugin) => plugin.signals.includes(signal)));
  return `
import { ${plugins.map((plugin, i) => `${plugin.name} as Plugin${i}`).join(", ")} } from "./${entry.simplePath}";
import { ${signals.map((signal) => `${signal} as __${signal}`).join(", ")} } from "@otelwasm/sdk";
import { LOGS as __LOGS, METRICS as __METRICS, TRACES as __TRACES } from "@otelwasm/sdk/entry";
import { answer as __answer, answerBatch as __answerBatch, answerConfig as __answerConfig, answerExport as __answerExport } from "@otelwasm/sdk/entry";
import { beginReceiving as __beginReceiving, endReceiving as __endReceiving, fail as __fail, settle as __settle, takeBatch as __takeBatch } from "@otelwasm/sdk/entry";
import "@otelwasm/sdk/config/decode";
import "@otelwasm/sdk/log";
${plugins.some(({ kind }) => kind.name !== "Receiver") ? 'export { alloc } from "@otelwasm/sdk/entry";' : ""}
${each((_, i) => `let plugin${i}: Plugin${i} | null = null;`)}
export function abi_version_v1(): void {}
export function get_supported_telemetry(): i32 {
  return ${signals.map((signal) => `__${mask([signal])}`).join(" | ")};
}
function startPlugins(): i32 {
${each((_, i) => `  const made${i} = new Plugin${i}();`)}
  const code = __answerConfig();
  if (code != 0) return code;
${each((_, i) => `  plugin${i} = made${i};\n  const code${i} = __answer(made${i}.start());\n  if (code${i} != 0) return code${i};`)}
  return 0;
}
export function start(): i32 {
  return __settle(startPlugins());
}
function shutdownPlugins(): i32 {
  let code = 0;
${each((_, i) => `  const made${i} = plugin${i};\n  if (made${i} !== null) code |= __answer(made${i}.shutdown());`)}
  return code;
}
export function shutdown(): i32 {
  return __settle(shutdownPlugins());
}
${each((plugin, i) => plugin.signals.map((signal) => plugin.kind.text(plugin, i, signal)).join("\n"))}
`;
}
