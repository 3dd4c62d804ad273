// Which of an author's exported classes are plugins, what they can do, and the module's exports that follow from that.
import { ClassDeclaration, ExportStatement, MethodDeclaration, type Range, type Source } from "assemblyscript";
import type { AuthorClass, Names } from "./ast.ts";

const SIGNALS = ["Traces", "Metrics", "Logs"] as const;
type Signal = (typeof SIGNALS)[number];

/** A kind of component: the method that its classes have for each signal, and what the host calls. */
interface Kind {
  name: "Processor";
  verb: "process";
}
const KINDS: readonly Kind[] = [{ name: "Processor", verb: "process" }];

interface PluginClass {
  name: string;
  kind: Kind;
  signals: Signal[];
}

/** Something that the author has to change. */
export interface Problem {
  message: string;
  range: Range;
}

/**
 * @param entry the author's entry file
 * @returns the text of a module that exports the plugin's functions, to stand beside the entry; or what is wrong
 */
export function pluginModule(entry: Source, names: Names): { text: string } | { problems: Problem[] } {
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
  for (const signal of SIGNALS) {
    const both = plugins.filter((plugin) => plugin.signals.includes(signal));
    if (both.length > 1) {
      problems.push({
        message: `${both.map((plugin) => plugin.name).join(" and ")} both take ${signal.toLowerCase()}: one class of a module may`,
        range: entry.range,
      });
    }
  }
  return problems.length > 0 ? { problems } : { text: moduleText(entry, plugins) };
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
  const methods = new Set<string>();
  let each: AuthorClass | undefined = author;
  while (each !== undefined && !isOfSdk(each)) {
    for (const member of each.declaration.members)
      if (member instanceof MethodDeclaration) methods.add(member.name.text);
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
      message: `Class '${name}' extends ${base} and has no method \`${method}(${promised.toLowerCase()}: ${promised}): Status\``,
      range,
    });
    return undefined;
  }
  if (signals.length === 0) {
    const wanted = SIGNALS.map((signal) => kind.verb + signal).join(", ");
    problems.push({ message: `Class '${name}' extends ${base} and has none of the methods ${wanted}`, range });
    return undefined;
  }
  return { name, kind, signals };
}

function isOfSdk({ source }: AuthorClass): boolean {
  return source.internalPath.startsWith("~lib/@otelwasm/sdk/");
}

function moduleText(entry: Source, plugins: readonly PluginClass[]): string {
  const mask = (signals: readonly Signal[]): string => signals.map((signal) => signal.toUpperCase()).join(" | ");
  const each = (line: (plugin: PluginClass, i: number) => string): string => plugins.map(line).join("\n");
  const consume = (plugin: PluginClass, i: number, signal: Signal): string => `
export function consume_${signal.toLowerCase()}(pointer: usize, size: usize): i32 {
  const plugin = plugin${i};
  if (plugin === null) return __fail("consume_${signal.toLowerCase()} was called before start");
  const batch = __takeBatch(pointer, size);
  if (batch === null) return __settle(1);
  return __answerBatch(batch, plugin.${plugin.kind.verb}${signal}(changetype<__${signal}>(batch)), __${signal.toUpperCase()});
}`;
  const signals = SIGNALS.filter((signal) => plugins.some((plugin) => plugin.signals.includes(signal)));
  return `
import { ${plugins.map((plugin, i) => `${plugin.name} as Plugin${i}`).join(", ")} } from "./${entry.simplePath}";
import { ${signals.map((signal) => `${signal} as __${signal}`).join(", ")} } from "@otelwasm/sdk";
import { LOGS as __LOGS, METRICS as __METRICS, TRACES as __TRACES } from "@otelwasm/sdk/entry";
import { answer as __answer, answerBatch as __answerBatch, answerConfig as __answerConfig, fail as __fail, settle as __settle, takeBatch as __takeBatch } from "@otelwasm/sdk/entry";
import "@otelwasm/sdk/config/decode";
import "@otelwasm/sdk/log";
export { alloc } from "@otelwasm/sdk/entry";
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
${each((plugin, i) => plugin.signals.map((signal) => consume(plugin, i, signal)).join("\n"))}
`;
}
