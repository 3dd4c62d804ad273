// `config<Settings>()`: AssemblyScript has no reflection, so the classes that a configuration consists of get a method
// that decodes them. A field may carry `@required`, and `@key("name")` where the configuration's key is another word.
import {
  CallExpression,
  ClassDeclaration,
  IdentifierExpression,
  MethodDeclaration,
  type Node,
  type Source,
  StringLiteralExpression,
} from "assemblyscript";
import {
  type AuthorClass,
  decoratorNames,
  fieldsOf,
  type Names,
  parseSnippet,
  replaceNodes,
  typeNames,
} from "./ast.ts";

const METHOD = "__decodeConfig";
const IMPORTS = `
  import { checkObject as __otelwasmCheck, decodeField as __otelwasmField } from "@otelwasm/sdk/config/decode";
  import { Json as __otelwasmJson } from "@otelwasm/sdk/config/json";`;
/** Fields that no configuration sets: `static` ones, and `private` ones. */
const NOT_CONFIGURED = 32 | 512;

/** Adds decoders to every class that `config<T>()` calls in these files lead to. */
export function addDecoders(sources: readonly Source[], names: Names): void {
  const classes = new Map<ClassDeclaration, AuthorClass>();
  const reach = (name: string, from: Source): void => {
    const found = names.classOf(name, from);
    if (found === undefined || found.source.isLibrary || classes.has(found.declaration)) return;
    classes.set(found.declaration, found);
    for (const field of fieldsOf(found.declaration))
      for (const each of typeNames(field.type)) reach(each, found.source);
    const base = found.declaration.extendsType;
    if (base !== null) reach(base.name.identifier.text, found.source);
  };
  for (const source of sources) for (const name of configTypes(source)) reach(name, source);
  for (const each of classes.values()) addDecoder(each, classes, names);
  for (const source of new Set([...classes.values()].map((each) => each.source)))
    source.statements.unshift(...parseSnippet(IMPORTS, source.range));
}

/** The names of all types in the file's `config<…>()` calls. */
function configTypes(source: Source): string[] {
  const found: string[] = [];
  replaceNodes(source, (node: Node) => {
    if (
      node instanceof CallExpression &&
      node.expression instanceof IdentifierExpression &&
      node.expression.text === "config"
    ) {
      for (const type of node.typeArguments ?? []) found.push(...typeNames(type));
    }
    return undefined;
  });
  return found;
}

function addDecoder(author: AuthorClass, classes: ReadonlyMap<ClassDeclaration, AuthorClass>, names: Names): void {
  const { declaration } = author;
  const keys: string[] = [];
  const lines: string[] = [];
  const chain: AuthorClass[] = [];
  for (let each: AuthorClass | undefined = author; each !== undefined && classes.has(each.declaration); ) {
    chain.unshift(each);
    each = names.baseOf(each);
  }
  for (const field of chain.flatMap((each) => fieldsOf(each.declaration))) {
    if ((field.flags & NOT_CONFIGURED) !== 0) continue;
    const name = field.name.text;
    const key = keyOf(field) ?? name;
    keys.push(JSON.stringify(key));
    const required = decoratorNames(field).includes("required");
    lines.push(`this.${name} = __otelwasmField(json, path, ${JSON.stringify(key)}, ${required}, this.${name});`);
  }
  const text = `class Snippet { ${METHOD}(json: __otelwasmJson, path: string): void {
    if (!__otelwasmCheck(json, path, [${keys.join(", ")}])) return;
    ${lines.join("\n    ")}
  } }`;
  const snippet = parseSnippet(text, declaration.range)[0];
  if (!(snippet instanceof ClassDeclaration)) return;
  const method = snippet.members[0];
  if (method instanceof MethodDeclaration) declaration.members.push(method);
}

function keyOf(field: { decorators: { name: Node; args: Node[] | null }[] | null }): string | undefined {
  for (const { name, args } of field.decorators ?? []) {
    const argument = args?.[0];
    if (name instanceof IdentifierExpression && name.text === "key" && argument instanceof StringLiteralExpression)
      return argument.value;
  }
  return undefined;
}
