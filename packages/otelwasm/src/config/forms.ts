import * as z from "zod";

/** A JSON Schema, draft 7. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** How a value stands in a configuration, where the schema alone cannot tell because it reads the value out of a text. */
export interface Form {
  /** What may stand there. */
  readonly json: JsonSchema;
  /** What was read, as it would be written: for defaults. Default: as it is. */
  readonly write?: (value: unknown) => unknown;
}

/** The forms that are known; what is derived from a schema (`.min`, `.refine`) has its form. */
export const forms: z.core.$ZodRegistry<Form> = z.registry<Form>();

/** @returns the schema */
export function withForm<T extends z.core.$ZodType>(schema: T, form: Form): T {
  forms.add(schema, form);
  return schema;
}
