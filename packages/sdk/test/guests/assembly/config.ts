// A configuration of every type, logged back.
import { config, type Logs, LogsProcessor, log, Status } from "@otelwasm/sdk";
import type { Rule } from "./config-rule";

class Limits {
  small: u8 = 1;
  large: i64 = -1;
  ratio: f64 = 0.5;
  @key("max_size") maxSize: u32 = 10;
}

class Base {
  enabled: bool = true;
}

class Settings extends Base {
  @required name: string = "";
  text: string = "default";
  optional: string | null = null;
  limits: Limits = new Limits();
  rules: Rule[] = [];
  words: Array<string> = ["one"];
  weights: Map<string, f64> = new Map();
  nested: Map<string, Rule[]> = new Map();
  private hidden: i32 = 3;

  describe(): string {
    let text = `${this.enabled} ${this.name} ${this.text} ${this.optional === null ? "null" : this.optional!} ${this.hidden}`;
    text += ` ${this.limits.small} ${this.limits.large} ${this.limits.ratio} ${this.limits.maxSize}`;
    for (const rule of this.rules) text += ` ${rule.describe()}`;
    text += ` ${this.words.join("+")}`;
    const weights = this.weights.keys();
    for (let i = 0; i < weights.length; ++i) text += ` ${weights[i]}=${this.weights.get(weights[i])}`;
    const nested = this.nested.keys();
    for (let i = 0; i < nested.length; ++i) text += ` ${nested[i]}:${this.nested.get(nested[i]).length}`;
    return text;
  }
}

export class Configured extends LogsProcessor {
  settings: Settings = config<Settings>();

  start(): Status {
    log.info(this.settings.describe());
    return this.settings.text == "refuse" ? Status.error("refused") : Status.ok();
  }

  processLogs(logs: Logs): Status {
    return Status.ok();
  }
}
