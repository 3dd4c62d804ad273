import { ConfigError } from "../component/errors.ts";
import { Expanded, isMap } from "./expanded.ts";
import { parseYamlValue } from "./yaml.ts";

/** Where expansion takes values from, and says what looks wrong but is allowed. */
export interface ExpandContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** @throws when the file cannot be read */
  readonly readFile: (path: string) => string;
  readonly warn: (message: string) => void;
}

/** A value that refers to itself ends here (`A='${env:A}'`). */
const MAX_DEPTH = 100;
const VARIABLE_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
const SCHEMES = ["env", "file", "yaml"] as const;

/**
 * Replaces `${env:X}`, `${X}`, `${env:X:-default}`, `${file:path}` and `${yaml:text}` in every string of a tree, nested ones too; `$$` becomes `$`.
 * A value that is one reference and nothing else takes on whatever the text is as YAML (an `Expanded`); a reference among other text gives text.
 *
 * @throws ConfigError that lists every expansion that failed, with its path
 */
export function expand(tree: unknown, context: ExpandContext): unknown {
  const issues: string[] = [];
  const result = expandNode(tree, [], context, issues);
  if (issues.length > 0) throw new ConfigError(issues);
  return result;
}

function expandNode(node: unknown, path: readonly string[], context: ExpandContext, issues: string[]): unknown {
  if (typeof node === "string") {
    try {
      return expandText(node, context, 0);
    } catch (error) {
      issues.push(`${path.join("::")}: ${error instanceof Error ? error.message : String(error)}`);
      return node;
    }
  }
  if (Array.isArray(node)) return node.map((item, i) => expandNode(item, [...path, String(i)], context, issues));
  if (isMap(node)) {
    return Object.fromEntries(
      Object.entries(node).map(([key, item]) => [key, expandNode(item, [...path, key], context, issues)]),
    );
  }
  return node;
}

function expandText(text: string, context: ExpandContext, depth: number): unknown {
  if (!text.includes("$")) return text;
  if (depth > MAX_DEPTH) throw new Error(`too many nested expansions; does a value refer to itself? at: ${text}`);
  const parts: unknown[] = [];
  let literal = "";
  let at = 0;
  while (at < text.length) {
    const dollar = text.indexOf("$", at);
    if (dollar < 0) break;
    literal += text.slice(at, dollar);
    const next = text[dollar + 1];
    const end = next === "{" ? closingBrace(text, dollar + 2) : -1;
    if (next === "$") {
      literal += "$";
      at = dollar + 2;
    } else if (end >= 0) {
      if (literal !== "") parts.push(literal);
      literal = "";
      parts.push(reference(text.slice(dollar + 2, end), context, depth));
      at = end + 1;
    } else {
      literal += "$";
      at = dollar + 1;
    }
  }
  literal += text.slice(at);
  if (literal !== "" || parts.length === 0) parts.push(literal);
  return parts.length === 1 ? parts[0] : parts.map(textOf).join("");
}

/** The index of the brace that closes a reference whose body starts at `from`; -1 if there is none. */
function closingBrace(text: string, from: number): number {
  let open = 1;
  for (let at = from; at < text.length; at++) {
    if (text[at] === "{") open++;
    else if (text[at] === "}" && --open === 0) return at;
  }
  return -1;
}

function textOf(value: unknown): string {
  return value instanceof Expanded ? value.text : String(value);
}

function reference(body: string, context: ExpandContext, depth: number): unknown {
  const { scheme, rest } = splitScheme(body);
  switch (scheme) {
    case "env":
      return variable(rest, context, depth);
    case "file": {
      const path = textOf(expandText(rest, context, depth + 1));
      // A mounted secret ends with a line feed that nobody means.
      return retrieved(readText(path, context).replace(/\r?\n$/, ""), context, depth);
    }
    case "yaml":
      return retrieved(rest, context, depth);
    default:
      throw new Error(`\${${body}}: unknown scheme "${scheme}"; known: ${SCHEMES.join(", ")}`);
  }
}

function splitScheme(body: string): { scheme: string; rest: string } {
  // At least two letters, so that a Windows path is no scheme; `${X:-default}` has none either.
  const match = /^([A-Za-z][A-Za-z0-9+.-]+):(?!-)/.exec(body);
  return match === null ? { scheme: "env", rest: body } : { scheme: match[1]!, rest: body.slice(match[0].length) };
}

function variable(body: string, context: ExpandContext, depth: number): unknown {
  const colon = body.indexOf(":-");
  const name = textOf(expandText(colon < 0 ? body : body.slice(0, colon), context, depth + 1));
  if (!VARIABLE_NAME.test(name)) {
    throw new Error(
      `environment variable ${JSON.stringify(name)} has an invalid name: must match ${VARIABLE_NAME.source}`,
    );
  }
  const value = context.env[name];
  if (value !== undefined) return retrieved(value, context, depth);
  if (colon >= 0) return retrieved(body.slice(colon + 2), context, depth);
  context.warn(`configuration references the environment variable "${name}", which is not set; its value is empty`);
  return new Expanded(null, "");
}

function readText(path: string, context: ExpandContext): string {
  try {
    return context.readFile(path);
  } catch (cause) {
    throw new Error(`cannot read the file ${JSON.stringify(path)}: ${cause instanceof Error ? cause.message : cause}`, {
      cause,
    });
  }
}

/**
 * A text that was fetched may hold references itself; what it is as YAML is decided after them. What YAML says is a string stands as it was fetched, as in the
 * Collector: with its quotes, its line feeds, and what looks like a comment.
 */
function retrieved(text: string, context: ExpandContext, depth: number): unknown {
  const value = parseYamlValue(text);
  if (typeof value === "object" && value !== null) {
    const inside = expandInside(value, context, depth);
    return new Expanded(
      inside,
      text.includes("${") ? textOf(expandText(text, { ...context, warn() {} }, depth)) : text,
    );
  }
  // Without a reference the text is taken as it is: `$$` in a password is two dollars.
  const expanded = text.includes("${") ? expandText(text, context, depth + 1) : text;
  if (typeof expanded !== "string") return expanded;
  const scalar = parseYamlValue(expanded);
  return typeof scalar === "string" ? expanded : new Expanded(scalar, expanded);
}

function expandInside(node: unknown, context: ExpandContext, depth: number): unknown {
  if (typeof node === "string") return expandText(node, context, depth + 1);
  if (Array.isArray(node)) return node.map((item) => expandInside(item, context, depth));
  if (isMap(node)) {
    return Object.fromEntries(Object.entries(node).map(([key, item]) => [key, expandInside(item, context, depth)]));
  }
  return node;
}
