import type * as z from "zod";
import { isMap, plain, type Tree, unwrap } from "../config/expanded.ts";
import { inner, layers } from "../config/layers.ts";
import { isSecret } from "../config/values.ts";
import { COMPONENT_KINDS, type FactorySet, typeOf } from "../service/factories.ts";
import { serviceSchema } from "../service/settings.ts";

/** What stands in place of a secret: the Collector's word. */
export const REDACTED = "[REDACTED]";

const SECRET_KEY = /(?:password|passwd|secret|token|api_?key|private_?key|credential|authorization|key_pem)/i;
/** Only a reference: the secret itself is elsewhere. */
const REFERENCES = /^(?:\$\{[^{}]*\}|Bearer|Basic|\s)*$/;
const USER_INFO = /^([a-z][a-z0-9+.-]*:\/\/)[^/?#@]+@/i;

/** A whole configuration without its secrets: what the components' schemas say of their keys counts, and what `redact` sees by itself. */
export function redactConfig(config: Tree, factories: FactorySet): Tree {
  return mapValues(config, (section, value) => {
    const kind = COMPONENT_KINDS.find((each) => `${each}s` === section);
    const content = unwrap(value);
    if (kind === undefined || !isMap(content)) return redact(value, section === "service" ? [serviceSchema] : []);
    return mapValues(content, (id, own) => redact(own, schemasOf(factories.get(kind, typeOf(id))?.schema)));
  });
}

/**
 * A part of a configuration without its secrets: what a schema marks, all values under `headers`, those of keys whose name says it, and credentials in
 * URLs. What is only a variable's name stays, if it has no default.
 *
 * @param schemas of the value, as far as they are known
 */
export function redact(
  value: unknown,
  schemas: readonly z.core.$ZodType[] = [],
  key: PropertyKey = "",
  secret = false,
): unknown {
  const known = schemas.flatMap(layers);
  const hidden = secret || key === "headers" || SECRET_KEY.test(String(key)) || known.some(isSecret);
  const content = plain(value);
  const below = (name: PropertyKey) => known.flatMap((schema) => inner(schema, name));
  if (Array.isArray(content)) return content.map((item, index) => redact(item, below(index), "", hidden));
  // Headers may be a list of names and values.
  if (isMap(content))
    return mapValues(content, (name, item) => redact(item, below(name), name, hidden && name !== "name"));
  if (content === null || content === undefined || content === "") return content;
  if (hidden)
    return typeof content === "string" && REFERENCES.test(content) && !content.includes(":-") ? content : REDACTED;
  return typeof content === "string" ? content.replace(USER_INFO, `$1${REDACTED}@`) : content;
}

function schemasOf(schema: z.core.$ZodType | undefined): readonly z.core.$ZodType[] {
  return schema === undefined ? [] : [schema];
}

function mapValues(map: Tree, change: (key: string, value: unknown) => unknown): Tree {
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key, change(key, value)]));
}
