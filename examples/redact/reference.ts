/** What the plugin means, by other means: regular expressions of JavaScript over decoded messages. For its tests. */
import { createHash } from "node:crypto";
import type { Fields } from "../testing.ts";

export interface RedactConfig {
  detectors?: string[];
  patterns?: string[];
  blocked_key_patterns?: string[];
  allowed_keys?: string[];
  mask?: string;
  hash?: string;
  hash_salt?: string;
  span_names?: boolean;
}

type Range = [start: number, end: number];

const EMAIL = /(?:[A-Za-z0-9._%+'-]|[\u{80}-\u{10ffff}]){1,64}@(?:[A-Za-z0-9-]+)(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}/gu;
const KEY =
  /(?<![A-Za-z0-9_])(?:gh[pousr]_|github_pat_|[sr]k_(?:live|test)_|npm_|sk-|glpat-|xox[abprs]-)(?=[A-Za-z_-]*\d)[A-Za-z0-9_-]{16,}/g;
const BEARER = /(?<=(?<![A-Za-z0-9_])bearer +)(?! )(?:(?=[A-Za-z._~+/=-]*\d)[\w.~+/=-]{8,}|[\w.~+/=-]{20,})/gi;
const JWT = /(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?/g;
const AWS = /(?<![A-Za-z0-9])A(?:KIA|SIA)[A-Z0-9]{16}(?![A-Za-z0-9])/g;
const GOOGLE = /(?<![A-Za-z0-9])AIza[A-Za-z0-9_-]{35,}/g;

function matches(expression: RegExp, text: string): Range[] {
  return [...text.matchAll(expression)].map((match) => [match.index, match.index + match[0].length] as Range);
}

function luhn(digits: string): boolean {
  const sum = [...digits].reverse().reduce((total, digit, i) => {
    const value = Number(digit) * (i % 2 === 1 ? 2 : 1);
    return total + (value > 9 ? value - 9 : value);
  }, 0);
  return sum % 10 === 0;
}

function cards(text: string): Range[] {
  const found: Range[] = [];
  for (const run of text.matchAll(/\d+(?:[ -]\d+)*/g)) {
    const groups = matches(/\d+/g, run[0]).map(([start, end]) => [run.index + start, run.index + end] as Range);
    for (let i = 0; i < groups.length; ) {
      const last = groups.findLastIndex((_, j) => j >= i && isCard(text, groups[i]![0], groups[j]![1], i === j));
      if (last >= 0) found.push([groups[i]![0], groups[last]![1]]);
      i = last >= 0 ? last + 1 : i + 1;
    }
  }
  return found;
}

function isCard(text: string, start: number, end: number, isOneGroup: boolean): boolean {
  const digits = text.slice(start, end).replace(/\D/g, "");
  if (!/^[2-6]\d{12,18}$/.test(digits) || !luhn(digits)) return false;
  if (/\d\.$/.test(text.slice(0, start)) || /^\.\d/.test(text.slice(end))) return false;
  const word = `${/[A-Za-z0-9]*$/.exec(text.slice(0, start))![0]}${/^[A-Za-z0-9]*/.exec(text.slice(end))![0]}`;
  return !(isOneGroup && /^[0-9a-f]*$/i.test(word) && /[a-f]/i.test(word));
}

/** @returns the text with everything hidden that the configuration says */
export function redactText(text: string, config: RedactConfig): string {
  const detectors = config.detectors ?? ["card", "email", "token"];
  const ranges = (config.patterns ?? []).flatMap((pattern) =>
    matches(new RegExp(pattern, "gu"), text).filter(([start, end]) => end > start),
  );
  if (detectors.includes("card")) ranges.push(...cards(text));
  if (detectors.includes("email")) ranges.push(...matches(EMAIL, text));
  if (detectors.includes("token"))
    ranges.push(...[KEY, BEARER, JWT, AWS, GOOGLE].flatMap((expression) => matches(expression, text)));
  const merged: Range[] = [];
  for (const [start, end] of ranges.sort((a, b) => a[0] - b[0])) {
    const last = merged.at(-1);
    if (last !== undefined && start < last[1]) last[1] = Math.max(last[1], end);
    else merged.push([start, end]);
  }
  return merged.reduceRight(
    (result, [start, end]) =>
      result.slice(0, start) + replacement(result.slice(start, end), config) + result.slice(end),
    text,
  );
}

export function replacement(secret: string | Uint8Array, config: RedactConfig): string {
  if (config.hash === undefined) return config.mask ?? "****";
  return createHash("sha256")
    .update(config.hash_salt ?? "")
    .update(secret)
    .digest("hex");
}

/** Redacts a decoded message (of `decodeReference`); blocked values have to be texts if they are hashed. */
export function redactMessage(message: Fields, config: RedactConfig): Fields {
  return redactFields(message, "", config);
}

function redactFields(fields: Fields, owner: string, config: RedactConfig): Fields {
  if ("key" in fields || owner === "attribute") {
    const key = String(fields.key ?? "");
    if (config.allowed_keys?.includes(key)) return fields;
    const blocked = config.blocked_key_patterns?.some((pattern) => new RegExp(pattern, "u").test(key));
    if (blocked && fields.value !== undefined)
      return {
        ...fields,
        value: { stringValue: replacement(String((fields.value as Fields).stringValue ?? ""), config) },
      };
  }
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, redactField(name, value, owner, config)]),
  );
}

const TEXTS = ["stringValue", "status.message"];

function redactField(name: string, value: unknown, owner: string, config: RedactConfig): unknown {
  if (name === "$unknown") return value;
  if (typeof value === "string")
    return TEXTS.includes(name) ||
      TEXTS.includes(`${owner}.${name}`) ||
      (owner === "spans" && name === "name" && config.span_names)
      ? redactText(value, config)
      : value;
  const inner =
    /attributes$/i.test(name) || name === "metadata" || (owner === "kvlistValue" && name === "values")
      ? "attribute"
      : name;
  if (Array.isArray(value))
    return value.map((each: unknown) =>
      typeof each === "object" ? redactFields(each as Fields, inner, config) : each,
    );
  return typeof value === "object" && value !== null ? redactFields(value as Fields, inner, config) : value;
}
