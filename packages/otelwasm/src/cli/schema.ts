import { configJsonSchema } from "../service/json-schema.ts";

/** The JSON Schema of a configuration, for editors. */
export function printSchema(): void {
  process.stdout.write(`${JSON.stringify(configJsonSchema(), null, 2)}\n`);
}
