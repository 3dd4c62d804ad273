// `include` and `exclude`: which spans, log records and metrics the actions are for.
import { Json, JsonType } from "@otelwasm/sdk/config/json";
import { LogRecord, Metric, Span } from "@otelwasm/sdk";
import { getLength, getVarint, valueEnd } from "@otelwasm/sdk/wire/fields";
import { Message } from "@otelwasm/sdk/wire/message";
import { entryOf, scanAttributes, scanBytes } from "./entries";
import { Condition, conditionsOf, Filter, filterOf, MatchType } from "./filter";
import { slotOf } from "./keys";
import { at, checkKeys, child, expect, fail, join, readBool, readInteger, readList, readText, readTexts } from "./reader";
import { textEnd, textOf } from "./text";
import { fieldEnd, messageOf, textField } from "./value";

const KEYS: string[] = [
  "match_type", "regexp", "services", "span_names", "span_kinds", "log_bodies", "log_severity_texts", "log_severity_number",
  "metric_names", "attributes", "resources", "libraries",
];
const SPAN_KINDS: string[] = [
  "SPAN_KIND_UNSPECIFIED", "SPAN_KIND_INTERNAL", "SPAN_KIND_SERVER", "SPAN_KIND_CLIENT", "SPAN_KIND_PRODUCER", "SPAN_KIND_CONSUMER",
];

const RESOURCE_ATTRIBUTES: u32 = 1;

class Library {
  constructor(
    readonly name: Filter,
    readonly version: Filter | null,
  ) {}
}

export class Matcher {
  /** Why it does not apply to a signal; null when it does. */
  readonly tracesProblem: string | null;
  readonly logsProblem: string | null;
  readonly metricsProblem: string | null;

  private services: Filter | null;
  private spanNames: Filter | null;
  private spanKinds: Filter | null;
  private bodies: Filter | null;
  private severityTexts: Filter | null;
  private hasSeverity: bool = false;
  private lowestSeverity: i32 = 0;
  private matchUndefined: bool = false;
  private metricNames: Filter | null;
  private attributes: Condition[];
  private resources: Condition[];
  private libraries: Library[];
  private serviceName: i32;

  private resourceMatches: bool = false;
  private scopeMatches: bool = false;

  constructor(json: Json, path: string) {
    checkKeys(json, path, KEYS);
    const map = json.type == JsonType.Object ? json : new Json(JsonType.Object);
    const written = readText(map, path, "match_type");
    const type = new MatchType(written == "regexp", written != "regexp" && written != "strict", join(path, "match_type"), written);
    if (written != "") type.check();
    checkCache(map, path);

    const kinds = readTexts(map, path, "span_kinds");
    this.services = filterOf(readTexts(map, path, "services"), join(path, "services"), type);
    this.spanNames = filterOf(readTexts(map, path, "span_names"), join(path, "span_names"), type);
    this.spanKinds = filterOf(kinds, join(path, "span_kinds"), type);
    this.bodies = filterOf(readTexts(map, path, "log_bodies"), join(path, "log_bodies"), type);
    this.severityTexts = filterOf(readTexts(map, path, "log_severity_texts"), join(path, "log_severity_texts"), type);
    this.metricNames = filterOf(readTexts(map, path, "metric_names"), join(path, "metric_names"), type);
    this.attributes = conditionsOf(map, path, "attributes", type);
    this.resources = conditionsOf(map, path, "resources", type);
    this.libraries = librariesOf(map, path, type);
    this.serviceName = this.services === null ? -1 : slotOf("service.name");
    const severity = child(map, "log_severity_number");
    this.hasSeverity = severity !== null;
    if (severity !== null) {
      const place = join(path, "log_severity_number");
      if (checkKeys(severity, place, ["min", "match_undefined"])) {
        this.lowestSeverity = readInteger(severity, place, "min");
        this.matchUndefined = readBool(severity, place, "match_undefined");
      }
    }
    if (!type.regexp) {
      for (let i = 0; i < kinds.length; ++i) {
        if (SPAN_KINDS.indexOf(kinds[i]) < 1) {
          fail(at(join(path, "span_kinds"), i), 'unknown span kind "' + kinds[i] + '"; known: ' + SPAN_KINDS.slice(1).join(", "));
        }
      }
    }

    // Which properties belong to which signal, as the Collector checks it.
    const spanKeys = listed(["services", "span_names", "span_kinds"], [this.services !== null, this.spanNames !== null, this.spanKinds !== null]);
    const logKeys = listed(
      ["log_bodies", "log_severity_texts", "log_severity_number"],
      [this.bodies !== null, this.severityTexts !== null, this.hasSeverity],
    );
    const metricKeys = listed(["metric_names"], [this.metricNames !== null]);
    const itemKeys = listed(["attributes", "libraries"], [this.attributes.length > 0, this.libraries.length > 0]);
    const resourceKeys = listed(["resources"], [this.resources.length > 0]);
    this.tracesProblem = signalProblem(path, "spans", logKeys.concat(metricKeys), spanKeys.concat(itemKeys).concat(resourceKeys),
      "services, span_names, span_kinds, attributes, resources, libraries");
    this.logsProblem = signalProblem(path, "log records", spanKeys.concat(metricKeys), logKeys.concat(itemKeys).concat(resourceKeys),
      "log_bodies, log_severity_texts, log_severity_number, attributes, resources, libraries");
    this.metricsProblem = signalProblem(path, "metrics", spanKeys.concat(logKeys).concat(itemKeys), metricKeys.concat(resourceKeys),
      "metric_names, resources");
    if (this.tracesProblem !== null && this.logsProblem !== null && this.metricsProblem !== null) {
      const none = spanKeys.length + logKeys.length + metricKeys.length + itemKeys.length + resourceKeys.length == 0;
      if (none) fail(path, "at least one property to match is required: " + KEYS.slice(2).join(", "));
      else fail(path, "fits no signal: " + this.tracesProblem! + "; " + this.logsProblem! + "; " + this.metricsProblem!);
    }
  }

  /** Has to be told of every resource, before its scopes. @returns whether it matches */
  enterResource(group: Message): bool {
    this.resourceMatches = true;
    if (this.services === null && this.resources.length == 0) return true;
    const resource = messageOf(group._start, group._end, 1);
    scanBytes(resource, fieldEnd, RESOURCE_ATTRIBUTES);
    const services = this.services;
    if (services !== null) {
      const name = entryOf(this.serviceName);
      const start = name === null ? NO_SERVICE : textOf(name.valueStart, name.valueEnd);
      const end = name === null ? NO_SERVICE + 18 : textEnd;
      if (!services.matches(start, end)) this.resourceMatches = false;
    }
    if (this.resourceMatches && !all(this.resources)) this.resourceMatches = false;
    return this.resourceMatches;
  }

  /** And of every scope, before what is in it. */
  enterScope(group: Message): bool {
    this.scopeMatches = this.resourceMatches;
    if (this.libraries.length == 0) return this.scopeMatches;
    const scope = messageOf(group._start, group._end, 1);
    const end = fieldEnd;
    for (let i = 0; i < this.libraries.length && this.scopeMatches; ++i) {
      const library = this.libraries[i];
      const name = textField(scope, end, 1);
      this.scopeMatches = library.name.matches(name, fieldEnd);
      const version = library.version;
      if (this.scopeMatches && version !== null) {
        const start = textField(scope, end, 2);
        this.scopeMatches = version.matches(start, fieldEnd);
      }
    }
    return this.scopeMatches;
  }

  matchesSpan(span: Span): bool {
    if (!this.scopeMatches) return false;
    const names = this.spanNames;
    if (names !== null) {
      const start = getLength(span, 5);
      if (!names.matches(start, valueEnd)) return false;
    }
    const kinds = this.spanKinds;
    if (kinds !== null) {
      const kind = <i32>getVarint(span, 6);
      const word = <u32>kind < <u32>SPAN_KINDS.length ? SPAN_KINDS[kind] : "";
      // Names of kinds are ASCII: the low bytes of the characters.
      const scratch = kindText;
      for (let i = 0; i < word.length; ++i) store<u8>(scratch + i, <u8>word.charCodeAt(i));
      if (!kinds.matches(scratch, scratch + word.length)) return false;
    }
    return this.attributesMatch(span, 9);
  }

  matchesLog(record: LogRecord): bool {
    if (!this.scopeMatches) return false;
    const bodies = this.bodies;
    if (bodies !== null) {
      // Not through the view: a message that nobody has looked into is scanned fastest.
      const body = messageOf(record._start, record._end, 5);
      const start = textOf(body, fieldEnd);
      if (!bodies.matches(start, textEnd)) return false;
    }
    const texts = this.severityTexts;
    if (texts !== null) {
      const start = getLength(record, 3);
      if (!texts.matches(start, valueEnd)) return false;
    }
    if (this.hasSeverity) {
      const severity = <i32>getVarint(record, 2);
      if (severity == 0 ? !this.matchUndefined : severity < this.lowestSeverity) return false;
    }
    return this.attributesMatch(record, 6);
  }

  private attributesMatch(item: Message, field: u32): bool {
    if (this.attributes.length == 0) return true;
    scanAttributes(item, field);
    return all(this.attributes);
  }

  matchesMetric(metric: Metric): bool {
    if (!this.resourceMatches) return false;
    const names = this.metricNames;
    if (names === null) return true;
    const start = getLength(metric, 1);
    return names.matches(start, valueEnd);
  }
}

const NO_SERVICE = memory.data<u8>([0x3c, 0x6e, 0x69, 0x6c, 0x2d, 0x73, 0x65, 0x72, 0x76, 0x69, 0x63, 0x65, 0x2d, 0x6e, 0x61, 0x6d, 0x65, 0x3e]);
const kindText = memory.data(32);

/** Whether the entries meet every condition. */
function all(conditions: Condition[]): bool {
  for (let i = 0; i < conditions.length; ++i) {
    const condition = unchecked(conditions[i]);
    if (!condition.matches(entryOf(condition.slot))) return false;
  }
  return true;
}

function listed(keys: string[], present: bool[]): string[] {
  const found: string[] = [];
  for (let i = 0; i < keys.length; ++i) if (present[i]) found.push(keys[i]);
  return found;
}

function signalProblem(path: string, items: string, foreign: string[], own: string[], known: string): string | null {
  if (foreign.length > 0) return join(path, foreign[0]) + ": does not apply to " + items;
  if (own.length == 0) return path + ": at least one property of " + items + " is required: " + known;
  return null;
}

function librariesOf(map: Json, path: string, type: MatchType): Library[] {
  const items = readList(map, path, "libraries");
  const libraries: Library[] = [];
  for (let i = 0; i < items.length; ++i) {
    const place = at(join(path, "libraries"), i);
    if (!checkKeys(items[i], place, ["name", "version"])) continue;
    const name = new Filter([readText(items[i], place, "name")], join(place, "name"), type);
    // No version at all: any will do. An empty one: none.
    const version = child(items[i], "version");
    libraries.push(
      new Library(name, version === null ? null : new Filter([readText(items[i], place, "version")], join(place, "version"), type)),
    );
  }
  return libraries;
}

/** The Collector's settings for a cache of results. Matching here is fast enough without one. */
function checkCache(map: Json, path: string): void {
  const settings = child(map, "regexp");
  if (settings === null) return;
  const place = join(path, "regexp");
  if (!expect(settings, JsonType.Object, place, "a map")) return;
  checkKeys(settings, place, ["cacheenabled", "cachemaxnumentries"]);
  readBool(settings, place, "cacheenabled");
  readInteger(settings, place, "cachemaxnumentries");
}
