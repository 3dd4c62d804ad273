import * as z from "zod";

/** Which attributes; `*` and `?` in them stand for any characters and for one. */
export interface IncludeExclude {
  /** Empty: all. */
  readonly included: readonly string[];
  readonly excluded: readonly string[];
}

export const includeExclude: z.ZodType<IncludeExclude> = z
  .strictObject({
    included: z.array(z.string().min(1)).default([]),
    excluded: z.array(z.string().min(1)).default([]),
  })
  .superRefine(({ included, excluded }, context) => {
    for (const [index, each] of excluded.entries())
      if (included.includes(each))
        context.addIssue({ code: "custom", path: ["excluded", index], message: `${each} is included, too` });
  });

/** Matches the names that are meant. */
export function matcherOf({ included, excluded }: IncludeExclude): RegExp {
  const any = (names: readonly string[]) => names.map(wildcard).join("|");
  const out = excluded.length === 0 ? "" : `(?!(?:${any(excluded)})$)`;
  return new RegExp(`^${out}(?:${included.length === 0 ? ".*" : any(included)})$`, "s");
}

/** @returns what a name with `*` and `?` stands for, as a part of a regular expression */
export function wildcard(name: string): string {
  return name
    .replace(/[\\^$.*+?()[\]{}|]/g, "\\$&")
    .replaceAll("\\*", ".*")
    .replaceAll("\\?", ".");
}
