// `for (const span of spans)`: AssemblyScript parses it and cannot compile it. Slices have iterators, arrays have
// indices; which one it is, the compiler knows, and the branch that is not taken is not compiled.
import {
  BlockStatement,
  ExpressionStatement,
  ForOfStatement,
  IdentifierExpression,
  type Node,
  type Source,
  VariableStatement,
} from "assemblyscript";
import { parseSnippet, replaceNodes } from "./ast.ts";

let count = 0;

/** Rewrites every for-of loop of a file. */
export function rewriteLoops(source: Source): void {
  replaceNodes(source, (node) => (node instanceof ForOfStatement ? rewrite(node) : undefined));
}

function rewrite(loop: ForOfStatement): Node | undefined {
  const { variable } = loop;
  const declared = variable instanceof VariableStatement ? variable.declarations[0]?.name.text : undefined;
  const assigned =
    variable instanceof ExpressionStatement && variable.expression instanceof IdentifierExpression
      ? variable.expression.text
      : undefined;
  const name = declared ?? assigned;
  if (name === undefined) return undefined;
  const id = count++;
  const take = declared === undefined ? name : `let ${name}`;
  const statements = parseSnippet(
    `{
      const $of${id} = $iterable;
      if (isArrayLike($of${id})) {
        for (let $i${id} = 0; $i${id} < $of${id}.length; ++$i${id}) { ${take} = $of${id}[$i${id}]; $body; }
      } else {
        for (const $it${id} = $of${id}.iterator(); $it${id}.next(); ) { ${take} = $it${id}.value; $body; }
      }
    }`,
    loop.range,
  );
  const block = statements[0];
  if (!(block instanceof BlockStatement)) return undefined;
  replaceNodes(block, (node) => {
    if (node instanceof IdentifierExpression && node.text === "$iterable") return loop.iterable;
    if (node instanceof ExpressionStatement && node.expression instanceof IdentifierExpression && node.expression.text === "$body")
      return loop.body;
    return undefined;
  });
  return block;
}
