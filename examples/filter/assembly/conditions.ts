// Conditions, compiled. What depends on the resource and the scope alone is decided once for each of those.
import { Attributes, InstrumentationScope, LogRecord, Metric, MetricType, Resource, Span } from "@otelwasm/sdk";
import { configFail } from "@otelwasm/sdk/config/config";
import { AttributeMatcher, allMatch, attributeMatchers, TextMatcher, textMatcher, wordIndex } from "./matching";
import { CommonSettings, DatapointSettings, LogRecordSettings, MetricSettings, SpanSettings } from "./settings";
import { severityOf } from "./severity";

const KINDS: string[] = ["unspecified", "internal", "server", "client", "producer", "consumer"];
const STATUSES: string[] = ["unset", "ok", "error"];
const MATCH_TYPES: string[] = ["regexp", "strict"];

const METRIC_TYPES: string[] = ["gauge", "sum", "histogram", "exponential_histogram", "summary"];
const METRIC_TYPE_VALUES: MetricType[] = [
  MetricType.Gauge,
  MetricType.Sum,
  MetricType.Histogram,
  MetricType.ExponentialHistogram,
  MetricType.Summary,
];
const SERVICE_NAME = "service.name";

/** The part that all kinds have. */
export class Condition {
  private service: TextMatcher | null;
  private scope: TextMatcher | null;
  private resourceAttributes: AttributeMatcher[];
  private resourceMatches: bool = false;
  /** Whether resource and scope are what the condition wants. */
  protected applies: bool = false;
  /** The condition under `unless`, of the same class. */
  protected exception: Condition | null = null;

  constructor(settings: CommonSettings, path: string) {
    const type = settings.matchType;
    wordIndex(type, MATCH_TYPES, path + ".match_type");
    this.service = textMatcher(settings.service, type, path + ".service");
    this.scope = textMatcher(settings.scope, type, path + ".scope");
    this.resourceAttributes = attributeMatchers(settings.resourceAttributes, type, path + ".resource_attributes");
  }

  /** Whether nothing of this part is configured. */
  protected get isUnlimited(): bool {
    return this.service === null && this.scope === null && this.resourceAttributes.length == 0;
  }

  enterResource(resource: Resource): void {
    const attributes = resource.attributes;
    this.resourceMatches = this.isService(attributes) && allMatch(this.resourceAttributes, attributes);
    const exception = this.exception;
    if (exception !== null) exception.enterResource(resource);
  }

  enterScope(scope: InstrumentationScope): void {
    const matcher = this.scope;
    this.applies = this.resourceMatches && (matcher === null || matcher.matchesUtf8(scope.nameUtf8));
    const exception = this.exception;
    if (exception !== null) exception.enterScope(scope);
  }

  private isService(attributes: Attributes): bool {
    const matcher = this.service;
    if (matcher === null) return true;
    const value = attributes.get(SERVICE_NAME);
    return value !== null && matcher.matchesValue(value);
  }
}

/** A condition has to have a criterion: one that matches everything would drop everything. */
function checkLimited(unlimited: bool, path: string): void {
  if (unlimited) configFail(path, "has no criterion, and would match everything");
}

export class SpanCondition extends Condition {
  private name: TextMatcher | null;
  private attributes: AttributeMatcher[];
  private kind: i32;
  private status: i32;
  private unless: SpanCondition | null = null;

  constructor(settings: SpanSettings, path: string) {
    super(settings, path);
    const type = settings.matchType;
    this.name = textMatcher(settings.name, type, path + ".name");
    this.attributes = attributeMatchers(settings.attributes, type, path + ".attributes");
    this.kind = wordIndex(settings.kind, KINDS, path + ".kind");
    this.status = wordIndex(settings.status, STATUSES, path + ".status");
    checkLimited(
      this.isUnlimited && this.name === null && this.attributes.length == 0 && settings.kind === null && settings.status === null,
      path,
    );
    const unless = settings.unless;
    if (unless !== null) this.exception = this.unless = new SpanCondition(unless, path + ".unless");
  }

  matches(span: Span): bool {
    if (!this.applies) return false;
    if (this.kind >= 0 && <i32>span.kind != this.kind) return false;
    if (this.status >= 0 && (span.hasStatus ? <i32>span.status.code : 0) != this.status) return false;
    const name = this.name;
    if (name !== null && !name.matchesUtf8(span.nameUtf8)) return false;
    if (!allMatch(this.attributes, span.attributes)) return false;
    const unless = this.unless;
    return unless === null || !unless.matches(span);
  }
}

/** A metric by its name and type; the part that the conditions of metrics and of data points have in common. */
class NamedMetric {
  private name: TextMatcher | null;
  private type: MetricType = MetricType.Empty;
  /** Whether nothing of this is configured. */
  readonly isUnlimited: bool;

  constructor(name: string | null, type: string | null, matchType: string, path: string) {
    this.name = textMatcher(name, matchType, path + ".name");
    const index = wordIndex(type, METRIC_TYPES, path + ".type");
    if (index >= 0) this.type = METRIC_TYPE_VALUES[index];
    this.isUnlimited = name === null && type === null;
  }

  matches(metric: Metric): bool {
    if (this.type != MetricType.Empty && metric.type != this.type) return false;
    const name = this.name;
    return name === null || name.matchesUtf8(metric.nameUtf8);
  }
}

export class MetricCondition extends Condition {
  private metric: NamedMetric;
  private unless: MetricCondition | null = null;

  constructor(settings: MetricSettings, path: string) {
    super(settings, path);
    this.metric = new NamedMetric(settings.name, settings.type, settings.matchType, path);
    checkLimited(this.isUnlimited && this.metric.isUnlimited, path);
    const unless = settings.unless;
    if (unless !== null) this.exception = this.unless = new MetricCondition(unless, path + ".unless");
  }

  matches(metric: Metric): bool {
    if (!this.applies || !this.metric.matches(metric)) return false;
    const unless = this.unless;
    return unless === null || !unless.matches(metric);
  }
}

export class DatapointCondition extends Condition {
  private metric: NamedMetric;
  private attributes: AttributeMatcher[];
  private metricMatches: bool = false;
  private unless: DatapointCondition | null = null;

  constructor(settings: DatapointSettings, path: string) {
    super(settings, path);
    this.metric = new NamedMetric(settings.name, settings.type, settings.matchType, path);
    this.attributes = attributeMatchers(settings.attributes, settings.matchType, path + ".attributes");
    checkLimited(this.isUnlimited && this.metric.isUnlimited && this.attributes.length == 0, path);
    const unless = settings.unless;
    if (unless !== null) this.exception = this.unless = new DatapointCondition(unless, path + ".unless");
  }

  /** @returns whether points of this metric can match at all */
  enterMetric(metric: Metric): bool {
    this.metricMatches = this.applies && this.metric.matches(metric);
    const unless = this.unless;
    if (unless !== null) unless.enterMetric(metric);
    return this.metricMatches;
  }

  matches(attributes: Attributes): bool {
    if (!this.metricMatches || !allMatch(this.attributes, attributes)) return false;
    const unless = this.unless;
    return unless === null || !unless.matches(attributes);
  }
}

export class LogRecordCondition extends Condition {
  private eventName: TextMatcher | null;
  private body: TextMatcher | null;
  private attributes: AttributeMatcher[];
  private hasSeverity: bool;
  private severityMin: i32 = 1;
  private severityMax: i32 = 24;
  private severityUndefined: bool;
  private unless: LogRecordCondition | null = null;

  constructor(settings: LogRecordSettings, path: string) {
    super(settings, path);
    const type = settings.matchType;
    this.eventName = textMatcher(settings.eventName, type, path + ".event_name");
    this.body = textMatcher(settings.body, type, path + ".body");
    this.attributes = attributeMatchers(settings.attributes, type, path + ".attributes");
    const min = settings.severityMin;
    const max = settings.severityMax;
    this.severityUndefined = settings.severityUndefined;
    this.hasSeverity = min !== null || max !== null || settings.severityUndefined;
    if (min !== null) this.severityMin = severityOf(min, false, path + ".severity_min");
    if (max !== null) this.severityMax = severityOf(max, true, path + ".severity_max");
    // Alone it is about records without a severity only.
    if (min === null && max === null) this.severityMax = 0;
    if (min !== null && max !== null && this.severityMin > this.severityMax) {
      configFail(path + ".severity_min", "is above severity_max");
    }
    checkLimited(
      this.isUnlimited && this.eventName === null && this.body === null && this.attributes.length == 0 && !this.hasSeverity,
      path,
    );
    const unless = settings.unless;
    if (unless !== null) this.exception = this.unless = new LogRecordCondition(unless, path + ".unless");
  }

  matches(record: LogRecord): bool {
    if (!this.applies || (this.hasSeverity && !this.isOfSeverity(<i32>record.severityNumber))) return false;
    const eventName = this.eventName;
    if (eventName !== null && !eventName.matchesUtf8(record.eventNameUtf8)) return false;
    const body = this.body;
    if (body !== null && !body.matchesValue(record.body)) return false;
    if (!allMatch(this.attributes, record.attributes)) return false;
    const unless = this.unless;
    return unless === null || !unless.matches(record);
  }

  private isOfSeverity(severity: i32): bool {
    return severity == 0 ? this.severityUndefined : severity >= this.severityMin && severity <= this.severityMax;
  }
}
