// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are the Collector's variables
import * as z from "zod";
import { isMap } from "./expanded.ts";
import { forms, type JsonSchema } from "./forms.ts";
import { layers } from "./layers.ts";

/** `${env:X}` and the like, alone or in a text. The schema that is returned by `jsonSchemaOf` refers to it. */
export const EXPANSION: JsonSchema = { $ref: "#/definitions/expansion" };
export const DEFINITIONS: Readonly<Record<string, JsonSchema>> = {
  expansion: {
    description: "A variable, such as ${env:NAME:-default} or ${file:PATH}",
    type: "string",
    pattern: "\\$\\{",
  },
};

/**
 * The JSON Schema (draft 7) of what may stand in a configuration where `schema` reads it. What only code can tell (`refine`, one key against another) is not in it.
 *
 * Wherever a value may stand, a variable may; and a key that may be absent may have no value.
 *
 * @param change made to it before variables and absent values are let in
 */
export function jsonSchemaOf(
  schema: z.core.$ZodType,
  change: (json: JsonSchema) => JsonSchema = (json) => json,
): JsonSchema {
  const { $schema: _, ...json } = z.toJSONSchema(schema, {
    target: "draft-7",
    io: "input",
    unrepresentable: "any",
    override: ({ zodSchema, jsonSchema }) => {
      const form = forms.get(zodSchema);
      if (form !== undefined) {
        for (const key of Object.keys(jsonSchema)) Reflect.deleteProperty(jsonSchema, key);
        Object.assign(jsonSchema, form.json, z.globalRegistry.get(zodSchema));
      }
      if (zodSchema instanceof z.core.$ZodDefault) {
        const value = written(zodSchema._zod.def.innerType, zodSchema._zod.def.defaultValue);
        if (value === undefined) delete jsonSchema.default;
        else Reflect.set(jsonSchema, "default", value);
      }
    },
  });
  return opened(change(json), true);
}

/** A default as it could be written; `undefined` if it cannot be told. */
function written(schema: z.core.$ZodType, value: unknown): unknown {
  for (const layer of layers(schema)) {
    const write = forms.get(layer)?.write;
    if (write !== undefined) return write(value);
  }
  return z.safeParse(schema, value).success ? value : undefined;
}

const BRANCHES = ["anyOf", "oneOf", "allOf"] as const;
/** What is said about a value, and says nothing about what it may be. */
const REMARKS: ReadonlySet<string> = new Set([
  "title",
  "description",
  "default",
  "deprecated",
  "writeOnly",
  "examples",
]);

/** @param required a value has to be there */
function opened(json: JsonSchema, required: boolean): JsonSchema {
  const inside = openedInside(json);
  const remarks = Object.fromEntries(Object.entries(inside).filter(([key]) => REMARKS.has(key)));
  const rules = Object.fromEntries(Object.entries(inside).filter(([key]) => !REMARKS.has(key)));
  const keys = Object.keys(rules);
  // What may be anything, and what may not be there at all.
  if (keys.length === 0 || "not" in rules) return inside;
  const alternatives = keys.length === 1 && Array.isArray(rules.anyOf) ? rules.anyOf : [rules];
  return { ...remarks, anyOf: [...alternatives, EXPANSION, ...(required ? [] : [{ type: "null" }])] };
}

function openedInside(json: JsonSchema): JsonSchema {
  const result: Record<string, unknown> = { ...json };
  const required = Array.isArray(json.required) ? json.required : [];
  for (const section of ["properties", "patternProperties"] as const) {
    const properties = json[section];
    if (isMap(properties)) result[section] = mapValues(properties, (key, each) => opened(each, required.includes(key)));
  }
  if (isMap(json.additionalProperties)) result.additionalProperties = opened(json.additionalProperties, false);
  if (isMap(json.items)) result.items = opened(json.items, true);
  for (const key of BRANCHES) {
    const branches = json[key];
    if (Array.isArray(branches))
      result[key] = branches.map((branch) => (isMap(branch) ? openedInside(branch) : branch));
  }
  return result;
}

function mapValues(map: Readonly<Record<string, unknown>>, change: (key: string, value: JsonSchema) => JsonSchema) {
  return Object.fromEntries(
    Object.entries(map).map(([key, value]) => [key, isMap(value) ? change(key, value) : value]),
  );
}
