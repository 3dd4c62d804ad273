// The configuration as its author writes it. A condition's criteria all have to hold; what is absent is no criterion.

export class AttributeSettings {
  @required key: string = "";
  value: string | null = null;
}

/** What every kind of condition has. */
export class CommonSettings {
  @key("match_type") matchType: string = "regexp";
  service: string | null = null;
  scope: string | null = null;
  @key("resource_attributes") resourceAttributes: AttributeSettings[] = [];
}

export class SpanSettings extends CommonSettings {
  name: string | null = null;
  attributes: AttributeSettings[] = [];
  kind: string | null = null;
  status: string | null = null;
  unless: SpanSettings | null = null;
}

export class MetricSettings extends CommonSettings {
  name: string | null = null;
  type: string | null = null;
  unless: MetricSettings | null = null;
}

export class DatapointSettings extends CommonSettings {
  name: string | null = null;
  type: string | null = null;
  attributes: AttributeSettings[] = [];
  unless: DatapointSettings | null = null;
}

export class LogRecordSettings extends CommonSettings {
  @key("event_name") eventName: string | null = null;
  body: string | null = null;
  attributes: AttributeSettings[] = [];
  @key("severity_min") severityMin: string | null = null;
  @key("severity_max") severityMax: string | null = null;
  @key("severity_undefined") severityUndefined: bool = false;
  unless: LogRecordSettings | null = null;
}

export class TracesSettings {
  span: SpanSettings[] = [];
}

export class MetricsSettings {
  metric: MetricSettings[] = [];
  datapoint: DatapointSettings[] = [];
}

export class LogsSettings {
  @key("log_record") logRecord: LogRecordSettings[] = [];
}

export class Settings {
  traces: TracesSettings = new TracesSettings();
  metrics: MetricsSettings = new MetricsSettings();
  logs: LogsSettings = new LogsSettings();
}
