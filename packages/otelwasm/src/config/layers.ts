import * as z from "zod";

/** A schema and all below its wrappers (options, defaults, transforms) that see the same value; of a union, those of all branches. */
export function layers(schema: z.core.$ZodType): z.core.$ZodType[] {
  return [schema, ...wrapped(schema).flatMap(layers)];
}

function wrapped(schema: z.core.$ZodType): readonly z.core.$ZodType[] {
  if (schema instanceof z.core.$ZodUnion) return schema._zod.def.options;
  if (schema instanceof z.core.$ZodIntersection) return [schema._zod.def.left, schema._zod.def.right];
  if (schema instanceof z.core.$ZodPipe) return [schema._zod.def.in, schema._zod.def.out];
  if (schema instanceof z.core.$ZodLazy) return [schema._zod.def.getter()];
  if (
    schema instanceof z.core.$ZodOptional ||
    schema instanceof z.core.$ZodNullable ||
    schema instanceof z.core.$ZodDefault ||
    schema instanceof z.core.$ZodPrefault ||
    schema instanceof z.core.$ZodCatch ||
    schema instanceof z.core.$ZodReadonly ||
    schema instanceof z.core.$ZodNonOptional
  ) {
    return [schema._zod.def.innerType];
  }
  return [];
}

/** The schemas of what stands under a key of a map, or at an index of a list; none where the schema does not say. */
export function inner(schema: z.core.$ZodType, key: PropertyKey): z.core.$ZodType[] {
  return layers(schema).flatMap((layer): z.core.$ZodType[] => {
    if (layer instanceof z.core.$ZodObject) {
      const { shape, catchall } = layer._zod.def;
      const found = Object.hasOwn(shape, key) ? shape[String(key)] : catchall;
      return found === undefined ? [] : [found];
    }
    if (layer instanceof z.core.$ZodArray) return [layer._zod.def.element];
    if (layer instanceof z.core.$ZodRecord) return [layer._zod.def.valueType];
    return [];
  });
}
