/**
 * What the Collector's attributes processor does, on plain objects: as short as it can be, without regard to speed, and
 * written without a look at the plugin. Patterns are JavaScript's; tests use those that mean the same in RE2's syntax.
 */
import { createHash } from "node:crypto";
import type { Signal } from "../../../packages/otelwasm/src/telemetry/batch.ts";
import type { Plain } from "./plugin.ts";

export interface AnyValue {
  stringValue?: string;
  boolValue?: boolean;
  intValue?: string;
  doubleValue?: number;
  bytesValue?: string;
  arrayValue?: { values?: AnyValue[] };
  kvlistValue?: { values?: Attribute[] };
}

export interface Attribute {
  key: string;
  value?: AnyValue;
}

export interface ActionConfig {
  action: string;
  key?: string;
  value?: unknown;
  from_attribute?: string;
  default_value?: unknown;
  pattern?: string;
  converted_type?: string;
}

interface Item {
  attributes?: Attribute[];
}

/** A value of the configuration. */
function fromRaw(raw: unknown): AnyValue {
  if (typeof raw === "string") return { stringValue: raw };
  if (typeof raw === "boolean") return { boolValue: raw };
  if (typeof raw === "number") return Number.isInteger(raw) ? { intValue: String(raw) } : { doubleValue: raw };
  if (Array.isArray(raw)) return { arrayValue: raw.length > 0 ? { values: raw.map(fromRaw) } : {} };
  const values = Object.entries(raw as object).map(([key, value]) => ({ key, value: fromRaw(value) }));
  return { kvlistValue: values.length > 0 ? { values } : {} };
}

function toRaw(value: AnyValue): unknown {
  if (value.intValue !== undefined) return { integer: value.intValue };
  if (value.arrayValue !== undefined) return (value.arrayValue.values ?? []).map(toRaw);
  if (value.kvlistValue !== undefined) {
    const map = new Map((value.kvlistValue.values ?? []).map((entry) => [entry.key ?? "", toRaw(entry.value ?? {})]));
    return Object.fromEntries([...map].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
  }
  return (
    value.stringValue ??
    value.boolValue ??
    value.doubleValue ??
    (value.bytesValue === "" ? null : (value.bytesValue ?? null))
  );
}

/** A value as text. */
function asString(value: AnyValue): string {
  if (value.arrayValue !== undefined || value.kvlistValue !== undefined)
    return JSON.stringify(toRaw(value))
      .replaceAll(/\{"integer":"(-?\d+)"\}/g, "$1")
      .replaceAll(/[\u2028\u2029]/g, (separator) => `\\u${separator.charCodeAt(0).toString(16)}`);
  return String(value.stringValue ?? value.intValue ?? value.boolValue ?? value.doubleValue ?? value.bytesValue ?? "");
}

function hash(value: AnyValue): AnyValue {
  const number = Buffer.alloc(8);
  if (value.intValue !== undefined) number.writeBigInt64LE(BigInt(value.intValue));
  if (value.doubleValue !== undefined) number.writeDoubleLE(value.doubleValue);
  const bytes =
    value.stringValue ??
    (value.boolValue === undefined ? undefined : Buffer.of(value.boolValue ? 1 : 0)) ??
    (value.intValue === undefined && value.doubleValue === undefined ? undefined : number);
  return { stringValue: bytes === undefined ? "" : createHash("sha256").update(bytes).digest("hex") };
}

function convert(value: AnyValue, type: string): AnyValue {
  const { stringValue, intValue, doubleValue, boolValue } = value;
  if (type === "string") return stringValue === undefined ? { stringValue: asString(value) } : value;
  if (type === "int") {
    if (doubleValue !== undefined) return { intValue: String(BigInt(Math.trunc(doubleValue))) };
    if (boolValue !== undefined) return { intValue: boolValue ? "1" : "0" };
    const fits =
      stringValue !== undefined &&
      /^[-+]?\d+$/.test(stringValue) &&
      BigInt.asIntN(64, BigInt(stringValue)) === BigInt(stringValue);
    return fits ? { intValue: String(BigInt(stringValue)) } : value;
  }
  if (intValue !== undefined) return { doubleValue: Number(intValue) };
  if (boolValue !== undefined) return { doubleValue: boolValue ? 1 : 0 };
  const isNumber =
    stringValue !== undefined &&
    Number.isFinite(Number(stringValue)) &&
    /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(stringValue);
  return isNumber ? { doubleValue: Number(stringValue) } : value;
}

/** Applies the actions to a list of attributes. @returns the list afterwards */
function applyActions(attributes: readonly Attribute[], actions: readonly ActionConfig[]): Attribute[] {
  let list = attributes.map((each) => ({ ...each }));
  const get = (key: string | undefined): Attribute | undefined => list.find((each) => each.key === key);
  const put = (key: string, value: AnyValue): void => {
    const found = get(key);
    if (found === undefined) list.push({ key, value });
    else found.value = value;
  };
  const source = (action: ActionConfig): AnyValue | undefined => {
    if (action.value !== undefined) return fromRaw(action.value);
    const from = get(action.from_attribute);
    if (from !== undefined) return from.value ?? {};
    return action.default_value === undefined ? undefined : fromRaw(action.default_value);
  };
  for (const action of actions) {
    const key = action.key ?? "";
    const found = action.key === undefined ? undefined : get(key);
    const matches = (each: Attribute): boolean =>
      action.pattern !== undefined && new RegExp(action.pattern, "u").test(each.key);
    const value = source(action);
    switch (action.action) {
      case "insert":
        if (value !== undefined && found === undefined) put(key, value);
        break;
      case "update":
        if (value !== undefined && found !== undefined) put(key, value);
        break;
      case "upsert":
        if (value !== undefined) put(key, value);
        break;
      case "delete":
        list = list.filter((each) => each !== found && !matches(each));
        break;
      case "hash":
        if (found !== undefined) found.value = hash(found.value ?? {});
        for (const each of list) if (matches(each)) each.value = hash(each.value ?? {});
        break;
      case "extract": {
        const text = found?.value?.stringValue;
        const match = text === undefined ? null : new RegExp(action.pattern ?? "", "u").exec(text);
        for (const [name, group] of Object.entries(match?.groups ?? {})) put(name, { stringValue: group ?? "" });
        break;
      }
      case "convert":
        if (found !== undefined) found.value = convert(found.value ?? {}, action.converted_type ?? "");
        break;
      default:
        throw new Error(`the reference does not know ${action.action}`);
    }
  }
  return list;
}

const POINTS = ["gauge", "sum", "histogram", "exponentialHistogram", "summary"] as const;
type Group = Record<string, unknown>;

/** Every span, log record or data point of a batch. */
export function itemsOf(signal: Signal, batch: Plain): Item[] {
  const down = (groups: Group[], key: string): Group[] =>
    groups.flatMap((group) => (group[key] as Group[] | undefined) ?? []);
  if (signal === "traces") return down(down(down([batch], "resourceSpans"), "scopeSpans"), "spans");
  if (signal === "logs") return down(down(down([batch], "resourceLogs"), "scopeLogs"), "logRecords");
  const metrics = down(down(down([batch], "resourceMetrics"), "scopeMetrics"), "metrics");
  return metrics.flatMap((metric) =>
    POINTS.flatMap((kind) => (metric[kind] === undefined ? [] : down([metric[kind] as Group], "dataPoints"))),
  );
}

/** The batch as the processor would hand it on. */
export function reference(signal: Signal, batch: Plain, actions: readonly ActionConfig[]): Plain {
  const copy = structuredClone(batch);
  for (const item of itemsOf(signal, copy)) {
    const list = applyActions(item.attributes ?? [], actions);
    if (list.length > 0) item.attributes = list;
    else delete item.attributes;
  }
  return copy;
}
