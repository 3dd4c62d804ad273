import * as z from "zod";
import { formatDuration, parseDuration } from "./duration.ts";
import { withForm } from "./forms.ts";
import { formatHostPort, type HostPort, parseHostPort } from "./host-port.ts";

export { formatHostPort, type HostPort, parseHostPort };

/** What the primitives give back: a zod schema, so that `.optional()`, `.default(...)` and `.describe(...)` work on it. */
type Value<T> = z.ZodType<T>;

/**
 * Marks what is shown to nobody: `token: secret(z.string())`. `print-config` puts a word in its place, whatever its key is called, and in the JSON Schema it is
 * `writeOnly`. Of a map or a list, all values are secret.
 */
export function secret<T extends z.ZodType>(schema: T): T {
  return schema.meta({ writeOnly: true });
}

/** Whether a schema was marked by `secret`, itself or as what it was derived from (`secret(z.string()).min(1)`). */
export function isSecret(schema: z.core.$ZodType): boolean {
  return z.globalRegistry.get(schema)?.writeOnly === true;
}

/** A key that the Collector has and this version does not: the sentence says why, or what to do instead. */
export function refused(sentence: string): z.ZodType<undefined> {
  return z.undefined({ error: sentence }).optional();
}

export interface DurationOptions {
  /** The smallest that is allowed, in milliseconds. Default 0. */
  readonly min?: number;
}

/**
 * A duration as Go writes it (`200ms`, `5s`, `1m30s`, or the number 0), read as milliseconds. A number without a unit is refused: the
 * Collector would take it for nanoseconds, and nobody means that.
 */
export function duration(options: DurationOptions = {}): Value<number> {
  const min = options.min ?? 0;
  const schema = z.preprocess(
    (value) => (value === 0 ? "0s" : value),
    z
      .string({
        error: (issue) =>
          typeof issue.input === "number"
            ? `needs a unit, for example "${issue.input}s" or "${issue.input}ms"`
            : undefined,
      })
      .transform((text, context) => {
        const milliseconds = parseDuration(text);
        if (milliseconds === undefined) {
          const unit = /^\d+$/.test(text) ? "needs a unit" : "is not a duration";
          context.addIssue({
            code: "custom",
            message: `${JSON.stringify(text)} ${unit}, for example "200ms", "5s" or "1m30s"`,
          });
          return z.NEVER;
        }
        if (milliseconds < min) {
          context.addIssue({
            code: "custom",
            message:
              min === 0
                ? "must not be negative"
                : min === Number.MIN_VALUE
                  ? "must be more than 0"
                  : `must be at least ${min}ms`,
          });
          return z.NEVER;
        }
        return milliseconds;
      }),
  );
  return withForm(schema, {
    json: { anyOf: [{ type: "string", pattern: DURATION }, ...(min === 0 ? [{ const: 0 }] : [])] },
    write: (value) => (typeof value === "number" ? formatDuration(value) : value),
  });
}

const DURATION = "^\\+?(?:0|(?:(?:\\d+\\.?\\d*|\\.\\d+)(?:ns|us|\u00b5s|\u03bcs|ms|s|m|h))+)$";

/** A duration above zero, as milliseconds. */
export function positiveDuration(): Value<number> {
  return duration({ min: Number.MIN_VALUE });
}

const SIZE_UNITS: Readonly<Record<string, number>> = {
  "": 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  kib: 1024,
  mib: 1024 ** 2,
  gib: 1024 ** 3,
};

/** A number of bytes, as an integer or with a unit (`64MiB`, `10 kB`). */
export function byteSize(options: { readonly min?: number } = {}): Value<number> {
  const min = options.min ?? 0;
  const schema = z.preprocess((value, context) => {
    if (typeof value !== "string") return value;
    const match = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(value.trim());
    const unit = match === null ? undefined : SIZE_UNITS[match[2]!.toLowerCase()];
    if (match === null || unit === undefined) {
      context.addIssue({
        code: "custom",
        message: `${JSON.stringify(value)} is not a size, for example 1048576 or "1MiB"`,
      });
      return z.NEVER;
    }
    return Math.round(Number(match[1]) * unit);
  }, z.int().min(min));
  return withForm(schema, {
    json: {
      anyOf: [
        { type: "integer", minimum: min },
        { type: "string", pattern: SIZE },
      ],
    },
  });
}

const SIZE = "^\\s*\\d+(?:\\.\\d+)?\\s*(?:[bB]|[kKmMgG][iI]?[bB])?\\s*$";

/** One of some words, in capital letters or small ones: the Collector takes `INFO` for `info`. @param words in small letters */
export function word<const T extends string>(words: readonly T[]): Value<T> {
  const schema = z.preprocess((value) => {
    const small = typeof value === "string" ? value.toLowerCase() : value;
    return words.some((each) => each === small) ? small : value;
  }, z.enum(words));
  const pattern = words.map((each) => each.replace(/[a-z]/g, (letter) => `[${letter}${letter.toUpperCase()}]`));
  return withForm(schema, {
    json: { anyOf: [{ enum: words }, { type: "string", pattern: `^(?:${pattern.join("|")})$` }] },
  });
}

/** An address to listen on, `host:port`; port 0 lets the system choose. */
export function endpoint(): Value<HostPort> {
  const schema = z.string().transform((text, context) => {
    const address = parseHostPort(text);
    if (address === undefined) {
      context.addIssue({
        code: "custom",
        message: `${JSON.stringify(text)} is not host:port, for example "localhost:4317" or "0.0.0.0:4317"`,
      });
      return z.NEVER;
    }
    return address;
  });
  return withForm(schema, {
    json: { type: "string" },
    write: (value) => (isHostPort(value) ? formatHostPort(value) : value),
  });
}

function isHostPort(value: unknown): value is HostPort {
  return typeof value === "object" && value !== null && "host" in value && "port" in value;
}

/** An `http://` or `https://` URL of something to connect to. */
export function httpUrl(): Value<URL> {
  return z.string().transform((text, context) => {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    if (url === undefined || (url.protocol !== "http:" && url.protocol !== "https:")) {
      context.addIssue({
        code: "custom",
        message: `${JSON.stringify(text)} is not an http:// or https:// URL, for example "http://localhost:4318"`,
      });
      return z.NEVER;
    }
    return url;
  });
}
