// Which items the actions are for: what `include` matches, if it is there, and `exclude` does not.
import { LogRecord, Metric, Span } from "@otelwasm/sdk";
import { Message } from "@otelwasm/sdk/wire/message";
import { Matcher } from "./matching";

export class Selection {
  /** Why the configuration cannot be used for a signal; null when it can. */
  readonly tracesProblem: string | null;
  readonly logsProblem: string | null;
  readonly metricsProblem: string | null;

  constructor(
    private readonly include: Matcher | null,
    private readonly exclude: Matcher | null,
  ) {
    this.tracesProblem = firstOf(include === null ? null : include.tracesProblem, exclude === null ? null : exclude.tracesProblem);
    this.logsProblem = firstOf(include === null ? null : include.logsProblem, exclude === null ? null : exclude.logsProblem);
    this.metricsProblem = firstOf(include === null ? null : include.metricsProblem, exclude === null ? null : exclude.metricsProblem);
  }

  /** @param group a `ResourceSpans`, `ResourceLogs`, `ResourceMetrics`. @returns whether anything in it may be selected */
  enterResource(group: Message): bool {
    const exclude = this.exclude;
    if (exclude !== null) exclude.enterResource(group);
    const include = this.include;
    return include === null || include.enterResource(group);
  }

  /** @param group a `ScopeSpans`, `ScopeLogs`, `ScopeMetrics`. @returns whether anything in it may be selected */
  enterScope(group: Message): bool {
    const exclude = this.exclude;
    if (exclude !== null) exclude.enterScope(group);
    const include = this.include;
    return include === null || include.enterScope(group);
  }

  hasSpan(span: Span): bool {
    const include = this.include;
    if (include !== null && !include.matchesSpan(span)) return false;
    const exclude = this.exclude;
    return exclude === null || !exclude.matchesSpan(span);
  }

  hasLog(record: LogRecord): bool {
    const include = this.include;
    if (include !== null && !include.matchesLog(record)) return false;
    const exclude = this.exclude;
    return exclude === null || !exclude.matchesLog(record);
  }

  hasMetric(metric: Metric): bool {
    const include = this.include;
    if (include !== null && !include.matchesMetric(metric)) return false;
    const exclude = this.exclude;
    return exclude === null || !exclude.matchesMetric(metric);
  }
}

function firstOf(a: string | null, b: string | null): string | null {
  return a === null ? b : a;
}
