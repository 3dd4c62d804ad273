// `for (const span of spans)`: AssemblyScript parses it and cannot compile it. Slices have iterators, arrays have
// indices; which one it is, the compiler knows, and the branch that is not taken is not compiled.
//
// `spans.removeIf((span) => span.duration < this.settings.limit)`: AssemblyScript has no closures, so an arrow function
// that is one expression becomes a loop around it, in which `this` and local variables are what they seem to be.
import {
  BlockStatement,
  CallExpression,
  ExpressionStatement,
  ForOfStatement,
  FunctionExpression,
  IdentifierExpression,
  type Node,
  PropertyAccessExpression,
  type Source,
  VariableStatement,
} from "assemblyscript";
import { parseSnippet, replaceNodes } from "./ast.ts";

let count = 0;

/** Rewrites every for-of loop, and every `removeIf` with an expression, of a file. */
export function rewriteLoops(source: Source): void {
  replaceNodes(source, (node) => {
    if (node instanceof ForOfStatement) return rewrite(node);
    return node instanceof ExpressionStatement ? rewriteRemoveIf(node) : undefined;
  });
}

function rewriteRemoveIf(statement: ExpressionStatement): Node | undefined {
  const call = statement.expression;
  if (!(call instanceof CallExpression) || call.args.length !== 1) return undefined;
  const callee = call.expression;
  const condition = call.args[0];
  if (!(callee instanceof PropertyAccessExpression) || callee.property.text !== "removeIf") return undefined;
  if (!(condition instanceof FunctionExpression)) return undefined;
  const { body, signature } = condition.declaration;
  if (!(body instanceof ExpressionStatement) || signature.parameters.length > 1) return undefined;
  const id = count++;
  const name = signature.parameters[0]?.name.text ?? `$item${id}`;
  return fill(
    `{
      const $of${id} = $iterable;
      if (isDefined($of${id}.iterator)) {
        for (let $it${id} = $of${id}.iterator(); $it${id}.next(); ) {
          const ${name} = $it${id}.value;
          if ($condition) ${name}.remove();
        }
      } else {
        $body;
      }
    }`,
    statement,
    { $iterable: callee.expression, $condition: body.expression },
    statement,
  );
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
  return fill(
    `{
      const $of${id} = $iterable;
      if (isArrayLike($of${id})) {
        for (let $i${id} = 0; $i${id} < $of${id}.length; ++$i${id}) { ${take} = $of${id}[$i${id}]; $body; }
      } else {
        for (const $it${id} = $of${id}.iterator(); $it${id}.next(); ) { ${take} = $it${id}.value; $body; }
      }
    }`,
    loop,
    { $iterable: loop.iterable },
    loop.body,
  );
}

/** @returns the block, located where `place` is, with the author's expressions and statement in the place of their names */
function fill(text: string, place: Node, expressions: Record<string, Node>, body: Node): Node | undefined {
  const block = parseSnippet(text, place.range)[0];
  if (!(block instanceof BlockStatement)) return undefined;
  replaceNodes(block, (node) => {
    if (node instanceof IdentifierExpression) return expressions[node.text];
    const isBody =
      node instanceof ExpressionStatement &&
      node.expression instanceof IdentifierExpression &&
      node.expression.text === "$body";
    return isBody ? body : undefined;
  });
  return block;
}
