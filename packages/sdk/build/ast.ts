// Helpers on AssemblyScript's syntax tree.
import {
  ClassDeclaration,
  ExportStatement,
  FieldDeclaration,
  IdentifierExpression,
  ImportStatement,
  NamedTypeNode,
  Node,
  Parser,
  type Range,
  Source,
  type Statement,
} from "assemblyscript";

/** Keys of a node that lead up or aside instead of down. */
const NOT_BELOW = new Set(["range", "source", "parent", "parentNode", "signatureReference"]);

/** Calls `visit` for each node below `node`; what it answers, if not undefined, replaces the node in the tree. */
export function replaceNodes(node: object, visit: (node: Node) => Node | undefined): void {
  for (const [key, value] of Object.entries(node)) {
    if (NOT_BELOW.has(key)) continue;
    if (Array.isArray(value)) for (const [i, item] of value.entries()) replaceIn(value, i, item, visit);
    else replaceIn(node, key, value, visit);
  }
}

function replaceIn(
  holder: object,
  key: string | number,
  value: unknown,
  visit: (node: Node) => Node | undefined,
): void {
  if (!(value instanceof Node) || value instanceof Source) return;
  replaceNodes(value, visit);
  const by = visit(value);
  if (by !== undefined) Reflect.set(holder, key, by);
}

/** @returns the statements of a text that is known to be well-formed, located at `range` for messages */
export function parseSnippet(text: string, range: Range): Statement[] {
  const parser = new Parser();
  parser.parseFile(text, "~otelwasm/snippet.ts", true);
  const source = parser.sources[0];
  const problem = parser.diagnostics[0];
  if (source === undefined || problem !== undefined)
    throw new Error(`generated code does not parse: ${problem?.message}\n${text}`);
  replaceNodes(source, (node) => {
    node.range = range;
    return undefined;
  });
  return source.statements;
}

/** A class as an author writes it, with the file that it stands in. */
export interface AuthorClass {
  declaration: ClassDeclaration;
  source: Source;
}

export function isOfSdk({ source }: AuthorClass): boolean {
  return source.internalPath.startsWith("~lib/@otelwasm/sdk/");
}

/** Something that the author has to change. */
export interface Problem {
  message: string;
  range: Range;
}

/** Where names come from: follows imports and re-exports between the program's files. */
export class Names {
  private readonly sources: Map<string, Source>;

  constructor(sources: readonly Source[]) {
    this.sources = new Map(sources.map((source) => [source.internalPath, source]));
  }

  /** @returns the class that `name` means in a file; undefined for anything else */
  classOf(name: string, source: Source, seen: Set<string> = new Set()): AuthorClass | undefined {
    if (seen.has(`${source.internalPath}:${name}`)) return undefined;
    seen.add(`${source.internalPath}:${name}`);
    for (const statement of source.statements) {
      if (statement instanceof ClassDeclaration && statement.name.text === name)
        return { declaration: statement, source };
      if (statement instanceof ImportStatement) {
        const imported = statement.declarations?.find((declaration) => declaration.name.text === name);
        if (imported !== undefined) return this.exported(imported.foreignName.text, statement.internalPath, seen);
      }
      if (statement instanceof ExportStatement) {
        const found = this.reexported(name, statement, source, seen);
        if (found !== undefined) return found;
      }
    }
    return undefined;
  }

  /** @returns the class that a class extends */
  baseOf({ declaration, source }: AuthorClass): AuthorClass | undefined {
    const base = declaration.extendsType;
    return base === null ? undefined : this.classOf(base.name.identifier.text, source);
  }

  private exported(name: string, path: string, seen: Set<string>): AuthorClass | undefined {
    const source = this.sources.get(path) ?? this.sources.get(`${path}/index`);
    return source === undefined ? undefined : this.classOf(name, source, seen);
  }

  private reexported(
    name: string,
    statement: ExportStatement,
    source: Source,
    seen: Set<string>,
  ): AuthorClass | undefined {
    const { members, internalPath } = statement;
    if (members === null) return internalPath === null ? undefined : this.exported(name, internalPath, seen);
    const member = members.find((each) => each.exportedName.text === name);
    if (member === undefined) return undefined;
    return internalPath === null
      ? this.classOf(member.localName.text, source, seen)
      : this.exported(member.localName.text, internalPath, seen);
  }
}

export function decoratorNames(declaration: { decorators: { name: Node }[] | null }): string[] {
  return (declaration.decorators ?? []).flatMap(({ name }) =>
    name instanceof IdentifierExpression ? [name.text] : [],
  );
}

export function fieldsOf(declaration: ClassDeclaration): FieldDeclaration[] {
  return declaration.members.filter((member) => member instanceof FieldDeclaration);
}

/** @returns every plain name in a type: `Map<string, Rule[]>` has Map, string, Array and Rule */
export function typeNames(type: unknown): string[] {
  const names: string[] = [];
  if (!(type instanceof Node)) return names;
  const collect = (node: Node): undefined => {
    if (node instanceof NamedTypeNode && node.name.next === null) names.push(node.name.identifier.text);
    return undefined;
  };
  collect(type);
  replaceNodes(type, collect);
  return names;
}
