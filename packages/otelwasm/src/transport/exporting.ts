// The parts of an exporter's configuration that the OTLP exporters share, with the Collector's names.
import * as z from "zod";
import type { Coding } from "./compression.ts";

/** The Collector's names. `zlib` and `deflate` are the same bytes; the request says what the configuration says. */
export type Compression = Coding | "zlib" | "none";

/** The Collector has these as well. */
const ABSENT: ReadonlySet<unknown> = new Set(["snappy", "x-snappy-framed", "lz4"]);

/** @param names what may be chosen, besides none */
export function compression(names: readonly Exclude<Compression, "none">[]): z.ZodType<Compression> {
  const all: (Compression | "")[] = [...names, "none", ""];
  return z
    .enum(all, {
      error: ({ input }) =>
        ABSENT.has(input)
          ? `${JSON.stringify(input)} is not supported in this version: choose one of ${[...names, "none"].join(", ")}`
          : undefined,
    })
    .transform((name) => (name === "" ? "none" : name))
    .default("gzip");
}

/** What compresses; undefined: nothing does. */
export function codingOf(compression: Compression): Coding | undefined {
  if (compression === "none") return undefined;
  return compression === "zlib" ? "deflate" : compression;
}

/** They say how the bytes are framed, which is the exporter's to know: two of them that differ are how requests are smuggled. */
const FRAMING: ReadonlySet<string> = new Set(
  "connection content-length expect keep-alive proxy-connection te trailer transfer-encoding upgrade".split(" "),
);
const name: z.ZodType<string> = z
  .string()
  .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, "is not a header's name")
  .refine((text) => !FRAMING.has(text.toLowerCase()), "is a header that only the exporter itself can set");
const value: z.ZodType<string> = z.string().refine(isHeaderValue, "has characters that a header cannot have");

export function isHeaderValue(text: string): boolean {
  return /^[\t\x20-\x7e\x80-\xff]*$/.test(text);
}

/** Header names in lower case. As in the Collector, a map or a list of `{name, value}`. */
export function headers(): z.ZodType<Readonly<Record<string, string>>> {
  return z
    .union([
      z.record(name, value),
      z
        .array(z.strictObject({ name, value }))
        .transform((list) => Object.fromEntries(list.map((each) => [each.name, each.value]))),
    ])
    .transform((map) => Object.fromEntries(Object.entries(map).map(([key, text]) => [key.toLowerCase(), text])))
    .default({});
}
