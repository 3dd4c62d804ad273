import type { ZodType } from "zod";

/** One message for each thing that is wrong with an engine's options, as `RuntimeFactory.validate` gives them. */
export function issuesOf(schema: ZodType, config: unknown): readonly string[] {
  const parsed = schema.safeParse(config ?? {});
  if (parsed.success) return [];
  return parsed.error.issues.flatMap((issue) =>
    issue.code === "unrecognized_keys"
      ? issue.keys.map((key) => `${[...issue.path, key].join("::")}: unknown key`)
      : [`${issue.path.join("::")}: ${issue.message}`],
  );
}
