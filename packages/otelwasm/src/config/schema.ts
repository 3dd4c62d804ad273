import type * as z from "zod";
import { Expanded, isMap, lookup, plain } from "./expanded.ts";
import { formatIssues, type Issue, issueMessage } from "./issues.ts";

export type Checked<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly issues: readonly string[] };

/**
 * Applies a schema to a part of a configuration, the way that the Collector's decoder reads one:
 * - a string field gets the text of an expanded variable, any other field its value;
 * - a key without a value (`grpc:`) is an empty section where a section is wanted, and otherwise is as good as absent.
 *
 * The schema is asked what it misses, and that is mended and tried again; so any zod schema works, transforms and unions included.
 *
 * @param tree may hold `Expanded` values; `undefined` and `null` count as `{}`
 * @param path where the tree stands in the configuration, for the messages
 */
export function applySchema<T>(schema: z.ZodType<T>, tree: unknown, path: readonly string[]): Checked<T> {
  let value: unknown = plain(tree ?? {}) ?? {};
  const mended = new Set<string>();
  for (;;) {
    const result = schema.safeParse(value, { error: issueMessage, reportInput: true });
    if (result.success) return { ok: true, value: result.data };
    let changed = false;
    // The deepest first: where a union takes a text or a map, the text of a whole map is only the way out.
    const found = mismatches(result.error.issues, []).toSorted((a, b) => b.path.length - a.path.length);
    for (const mismatch of found) {
      if (changed && mismatch.path.length < found[0]!.path.length) break;
      const mend = mendingFor(lookup(tree, mismatch.path), mismatch.wants);
      const key = JSON.stringify([mismatch.path, mend]);
      if (mend === undefined || mended.has(key)) continue;
      mended.add(key);
      value = replaced(value, mismatch.path, mend.value);
      changed = true;
    }
    if (!changed) return { ok: false, issues: formatIssues(result.error.issues, path, value, schema) };
  }
}

interface Mismatch {
  readonly path: readonly PropertyKey[];
  /** The type that the schema expected there, in zod's words, `value` if one of some values, `other` if the type was right. */
  readonly wants: string;
}

function mismatches(issues: readonly Issue[], base: readonly PropertyKey[]): Mismatch[] {
  return issues.flatMap((issue): Mismatch[] => {
    const path = [...base, ...issue.path];
    switch (issue.code) {
      case "invalid_type":
        return [{ path, wants: issue.expected }];
      case "invalid_value":
        return [{ path, wants: "value" }];
      case "invalid_union":
        return issue.errors.flatMap((branch) => mismatches(branch, path));
      default:
        return [{ path, wants: "other" }];
    }
  });
}

/** What to put in the place of a value that does not fit; `undefined` to leave it. */
function mendingFor(found: unknown, wants: string): { value: unknown } | undefined {
  if (found instanceof Expanded && (wants === "string" || wants === "value") && typeof found.value !== "string") {
    return { value: found.text };
  }
  if ((found instanceof Expanded ? found.value : found) !== null) return undefined;
  // An empty text where text has a form (a duration): the variable is not set, so the default counts.
  if (wants === "other" && !(found instanceof Expanded)) return undefined;
  return { value: wants === "object" || wants === "record" ? {} : undefined };
}

/** `undefined` removes a map's key. Only `plain` copies come here: they may be changed. */
function replaced(root: unknown, path: readonly PropertyKey[], value: unknown): unknown {
  if (path.length === 0) return value;
  const parent = lookup(root, path.slice(0, -1));
  const key = path[path.length - 1]!;
  if (Array.isArray(parent)) parent[Number(key)] = value;
  else if (isMap(parent)) {
    if (value === undefined) Reflect.deleteProperty(parent, key);
    else Reflect.set(parent, key, value);
  }
  return root;
}
