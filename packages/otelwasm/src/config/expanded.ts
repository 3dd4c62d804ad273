/**
 * What a variable in a configuration became: the value that its text has as YAML, and the text. Which of the two counts is known
 * only where a component's schema is applied: a field that wants a string gets the text (`${env:TOKEN}` with `0123` stays `0123`), any other the
 * value. Until then both travel together through merging.
 */
export class Expanded {
  readonly value: unknown;
  readonly text: string;

  constructor(value: unknown, text: string) {
    this.value = value;
    this.text = text;
  }
}

export type Tree = { readonly [key: string]: unknown };

/** A map of a configuration, and not a list or one of a component's own objects. */
export function isMap(value: unknown): value is Tree {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** The value without its text, one level deep. */
export function unwrap(value: unknown): unknown {
  return value instanceof Expanded ? value.value : value;
}

/** A copy in which every expanded value is a plain value, and maps and lists are new: it may be changed. */
export function plain(value: unknown): unknown {
  const inner = unwrap(value);
  if (Array.isArray(inner)) return inner.map(plain);
  if (isMap(inner)) return Object.fromEntries(Object.entries(inner).map(([key, item]) => [key, plain(item)]));
  return inner;
}

/** What stands at a path; `undefined` if nothing does. */
export function lookup(root: unknown, path: readonly PropertyKey[]): unknown {
  let node = root;
  for (const key of path) {
    const inner = unwrap(node);
    if (Array.isArray(inner)) node = inner[Number(key)];
    else if (isMap(inner) && Object.hasOwn(inner, key)) node = inner[String(key)];
    else return undefined;
  }
  return node;
}
