import {
  type DocumentOptions,
  LineCounter,
  type ParseOptions,
  parseDocument,
  type ScalarTag,
  type SchemaOptions,
} from "yaml";
import { ConfigError } from "../component/errors.ts";

/**
 * Numbers as the Collector's reader takes them beyond YAML 1.2: `10_000`, octal `0755`, binary `0b101`.
 * https://pkg.go.dev/strconv#ParseInt with base 0
 */
const GO_NUMBERS: readonly ScalarTag[] = [
  {
    tag: "tag:yaml.org,2002:int",
    default: true,
    test: /^[-+]?(?:0[0-7_]+|0[bB][01_]+|0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|[1-9][0-9_]*_[0-9_]*)$/,
    resolve: (text) => {
      const digits = text.replaceAll("_", "").replace(/^[-+]/, "");
      const value = /^0[0-7]/.test(digits) ? Number(`0o${digits}`) : Number(digits);
      return text.startsWith("-") ? -value : value;
    },
  },
  {
    tag: "tag:yaml.org,2002:float",
    default: true,
    test: /^[-+]?[0-9][0-9_]*_[0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?$/,
    resolve: (text) => Number(text.replaceAll("_", "")),
  },
];

const OPTIONS = {
  customTags: (tags) => [...GO_NUMBERS, ...tags],
  // Collector configurations share parts with anchors and `<<`, which YAML 1.2 dropped.
  merge: true,
  prettyErrors: true,
  // Tags such as `!secret` must not silently become strings.
  strict: true,
} as const satisfies ParseOptions & DocumentOptions & SchemaOptions;

/**
 * Reads one YAML document.
 *
 * @param source names the text in errors: a file's path
 * @throws ConfigError with `source:line:column`
 */
export function parseYaml(text: string, source: string): unknown {
  const lines = new LineCounter();
  const document = parseDocument(text, { ...OPTIONS, lineCounter: lines });
  const problems = [...document.errors, ...document.warnings];
  if (problems.length > 0) {
    throw new ConfigError(
      problems.map((problem) => {
        const { line, col } = lines.linePos(problem.pos[0]);
        // The parser's own words carry the place at their end and then the line of text: keep both, the place in front.
        return `${source}:${line}:${col}: ${problem.message.replace(/ at line \d+, column \d+:/, "").trimEnd()}`;
      }),
    );
  }
  try {
    return document.toJS();
  } catch (cause) {
    // What only shows on conversion: an alias without its anchor, or aliases that multiply without bound.
    throw new ConfigError([`${source}: ${cause instanceof Error ? cause.message : String(cause)}`], { cause });
  }
}

/** The value that a variable's or an argument's text has as YAML; text that is not valid YAML stands for itself, as in the Collector. */
export function parseYamlValue(text: string): unknown {
  const document = parseDocument(text, { ...OPTIONS, prettyErrors: false, logLevel: "silent" });
  if (document.errors.length > 0 || document.warnings.length > 0) return text;
  try {
    return document.toJS();
  } catch {
    return text;
  }
}
