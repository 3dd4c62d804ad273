import type { ComponentFactory } from "../component/factory.ts";
import { isMap } from "../config/expanded.ts";
import type { JsonSchema } from "../config/forms.ts";
import { DEFINITIONS, EXPANSION, jsonSchemaOf } from "../config/json-schema.ts";
import { SIGNALS } from "../telemetry/batch.ts";
import { builtinFactories } from "./builtin.ts";
import { COMPONENT_KINDS, FactorySet } from "./factories.ts";
import { serviceSchema } from "./settings.ts";

const NAME = "(?:/[^\\s]+)?";

/**
 * A JSON Schema (draft 7) of a whole configuration, for editors; made of the schemas that configurations are checked with. It refuses unknown keys, types and
 * values; what one key has to do with another, only `otelwasm validate` knows.
 *
 * @param more component types beside the built-in ones
 */
export function configJsonSchema(more: readonly ComponentFactory[] = []): JsonSchema {
  const factories = new FactorySet([...builtinFactories, ...more]);
  const definitions: Record<string, JsonSchema> = { ...DEFINITIONS };
  const sections = COMPONENT_KINDS.map((kind) => {
    const patternProperties: Record<string, JsonSchema> = {};
    for (const { type, aliases = [], description, schema } of factories.list(kind)) {
      const name = `${kind}.${type}`;
      definitions[name] = optionalAtTop(jsonSchemaOf(schema), description);
      patternProperties[`^(?:${[type, ...aliases].join("|")})${NAME}$`] = { $ref: `#/definitions/${name}` };
    }
    return [`${kind}s`, section({ patternProperties, additionalProperties: false })] as const;
  });
  const service = jsonSchemaOf(serviceSchema, withPipelineIds);
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "The configuration of otelwasm",
    type: "object",
    properties: { ...Object.fromEntries(sections), service },
    // The Collector's notation of a key inside: `receivers::otlp::protocols`.
    patternProperties: { "::": {} },
    additionalProperties: false,
    definitions,
  };
}

function section(map: JsonSchema): JsonSchema {
  return { anyOf: [{ type: "object", ...map }, EXPANSION, { type: "null" }] };
}

/** A component may be named without a value: it is then checked with an empty map. */
function optionalAtTop(json: JsonSchema, description: string): JsonSchema {
  const { anyOf } = json;
  return { description, ...json, ...(Array.isArray(anyOf) ? { anyOf: [...anyOf, { type: "null" }] } : {}) };
}

/** The keys of `pipelines` begin with a signal. */
function withPipelineIds(service: JsonSchema): JsonSchema {
  const { properties } = service;
  const pipelines = isMap(properties) ? properties.pipelines : undefined;
  if (!isMap(properties) || !isMap(pipelines)) throw new Error("service::pipelines is not where it was");
  const { additionalProperties, propertyNames: _, ...rest } = pipelines;
  const ids = { [`^(?:${SIGNALS.join("|")})${NAME}$`]: additionalProperties };
  return {
    ...service,
    properties: { ...properties, pipelines: { ...rest, patternProperties: ids, additionalProperties: false } },
  };
}
