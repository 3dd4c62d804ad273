import * as z from "zod";
import { isMap, lookup } from "./expanded.ts";
import { inner, layers } from "./layers.ts";
import { suggestion } from "./nearest.ts";

/** A finding of a schema, as zod reports it. */
export type Issue = z.core.$ZodIssue;

/**
 * The words for a finding where the schema has none of its own: an error map for zod. Values are not repeated unless they were to be
 * one of a few: configurations hold secrets.
 */
export function issueMessage(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case "invalid_type":
      if (issue.input === undefined) return "is required";
      return mismatch([typeName(issue.expected)], issue.input);
    case "invalid_value":
      if (issue.input === undefined) return `is required: ${oneOf(issue.values)}`;
      return `must be ${oneOf(issue.values)}, not ${typeof issue.input === "string" ? JSON.stringify(issue.input) : describe(issue.input)}`;
    case "too_small":
      return `must be ${issue.inclusive === false ? "more than" : "at least"} ${issue.minimum}${unitOf(issue.origin)}`;
    case "too_big":
      return `must be ${issue.inclusive === false ? "less than" : "at most"} ${issue.maximum}${unitOf(issue.origin)}`;
    case "not_multiple_of":
      return `must be a multiple of ${issue.divisor}`;
    default:
      return undefined;
  }
}

/**
 * The findings in the Collector's notation, one line each: `receivers::otlp::protocols::htp: unknown key; did you mean "http"?`.
 *
 * @param base where the checked value stands in the configuration
 * @param value what was checked
 * @param schema names the known keys
 */
export function formatIssues(
  issues: readonly Issue[],
  base: readonly string[],
  value: unknown,
  schema: z.core.$ZodType,
): string[] {
  return issues.flatMap((issue) => formatIssue(issue, base, [], value, schema));
}

function formatIssue(
  issue: Issue,
  base: readonly string[],
  above: readonly PropertyKey[],
  value: unknown,
  schema: z.core.$ZodType,
): string[] {
  const path = [...above, ...issue.path];
  if (issue.code === "unrecognized_keys") {
    const known = knownKeys(schema, path);
    return issue.keys.map((key) => line(base, [...path, key], `unknown key${suggestion(key, known)}`));
  }
  if (issue.code === "invalid_union" && issue.errors.length > 0) {
    const found = lookup(value, path);
    const branches = issue.errors.filter(
      (branch) => !branch.every((inner) => inner.path.length === 0 && isKind(inner)),
    );
    // The branch that got furthest is the one that was meant.
    const meant = branches.toSorted((a, b) => a.length - b.length)[0];
    if (meant !== undefined) return meant.flatMap((inner) => formatIssue(inner, base, path, value, schema));
    const expected = issue.errors
      .flat()
      .map((inner) => (inner.code === "invalid_type" ? typeName(inner.expected) : inner.message));
    return [line(base, path, found === undefined ? "is required" : mismatch([...new Set(expected)], found))];
  }
  if (issue.code === "invalid_key")
    return [line(base, path, `invalid key: ${issue.issues[0]?.message ?? issue.message}`)];
  return [line(base, path, issue.message)];
}

function isKind(issue: Issue): boolean {
  return issue.code === "invalid_type";
}

function line(base: readonly string[], path: readonly PropertyKey[], message: string): string {
  const place = [...base, ...path.map(String)].join("::");
  return place === "" ? message : `${place}: ${message}`;
}

function mismatch(expected: readonly string[], input: unknown): string {
  const quotes = expected.includes("a string") && (typeof input === "number" || typeof input === "boolean");
  return `must be ${expected.join(" or ")}, not ${describe(input)}${quotes ? "; put it in quotes" : ""}`;
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  string: "a string",
  number: "a number",
  int: "an integer",
  boolean: "true or false",
  object: "a map",
  record: "a map",
  array: "a list",
  null: "empty",
};

function typeName(expected: string): string {
  return TYPE_NAMES[expected] ?? expected;
}

function describe(input: unknown): string {
  if (input === null || input === undefined) return "empty";
  if (Array.isArray(input)) return "a list";
  if (isMap(input)) return "a map";
  if (typeof input === "string") return "a string";
  return typeof input === "number" ? `the number ${input}` : String(input);
}

function oneOf(values: readonly unknown[]): string {
  const texts = values.map((value) => JSON.stringify(value));
  return texts.length === 1 ? texts[0]! : `one of ${texts.join(", ")}`;
}

function unitOf(origin: string): string {
  return origin === "string" ? " characters long" : origin === "array" || origin === "set" ? " entries" : "";
}

/** The keys that a schema knows at a path, through options, defaults and transforms; of a union, those of all branches. */
function knownKeys(schema: z.core.$ZodType, path: readonly PropertyKey[]): string[] {
  const [key, ...rest] = path;
  if (key !== undefined) return [...new Set(inner(schema, key).flatMap((each) => knownKeys(each, rest)))];
  return [
    ...new Set(
      layers(schema).flatMap((layer) => (layer instanceof z.core.$ZodObject ? Object.keys(layer._zod.def.shape) : [])),
    ),
  ];
}
