// `new Logs()`: messages are views on the arena, which AssemblyScript's own `new` knows nothing about.
import { NewExpression, Node, type Source } from "assemblyscript";
import { type AuthorClass, isOfSdk, type Names, type Problem, replaceNodes } from "./ast.ts";

const BATCHES = new Set(["Traces", "Metrics", "Logs"]);

/** Makes `Logs.create()` of `new Logs()` everywhere in a file. @returns what is made with `new` and cannot be */
export function rewriteBatches(source: Source, names: Names): Problem[] {
  const problems: Problem[] = [];
  replaceNodes(source, (node) => {
    if (!(node instanceof NewExpression) || node.typeName.next !== null) return undefined;
    const { identifier } = node.typeName;
    const made = names.classOf(identifier.text, source);
    if (made === undefined || !isOfSdk(made) || !isMessage(made, names)) return undefined;
    const { range } = node;
    if (!BATCHES.has(made.declaration.name.text)) {
      const message = `'${identifier.text}' is a part of a batch, and is made where it belongs: \`slice.appendEmpty()\``;
      problems.push({ message, range });
      return undefined;
    }
    const create = Node.createIdentifierExpression("create", range);
    return Node.createCallExpression(
      Node.createPropertyAccessExpression(identifier, create, range),
      null,
      node.args,
      range,
    );
  });
  return problems;
}

function isMessage(author: AuthorClass, names: Names): boolean {
  for (let each: AuthorClass | undefined = author; each !== undefined; each = names.baseOf(each))
    if (each.declaration.name.text === "Message") return true;
  return false;
}
