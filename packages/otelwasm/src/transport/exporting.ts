// The parts of an exporter's configuration that the OTLP exporters share, with the Collector's names.
import * as z from "zod";
import { CODINGS, type Coding } from "./compression.ts";

export type Compression = Coding | "none";

/** Level and window are ours to choose; `snappy` and the like, which the Collector also has, are not there. */
export function compression(codings: readonly Coding[] = CODINGS): z.ZodType<Compression> {
  return z
    .enum([...codings, "none", ""])
    .transform((name) => (name === "" ? "none" : name))
    .default("gzip");
}

/** They say how the bytes are framed, which is the exporter's to know: two of them that differ are how requests are smuggled. */
const FRAMING: ReadonlySet<string> = new Set(
  "connection content-length expect keep-alive proxy-connection te trailer transfer-encoding upgrade".split(" "),
);
const name: z.ZodType<string> = z
  .string()
  .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, "is not a header's name")
  .refine((text) => !FRAMING.has(text.toLowerCase()), "is a header that only the exporter itself can set");
const value: z.ZodType<string> = z
  .string()
  .regex(/^[\t\x20-\x7e\x80-\xff]*$/, "has characters that a header cannot have");

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
