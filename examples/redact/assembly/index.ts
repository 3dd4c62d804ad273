// Hides card numbers, e-mail addresses, tokens, and what the configuration names, in every text of a batch.
import { config, Logs, Metrics, Processor, Status, Traces } from "@otelwasm/sdk";
import { configFail } from "@otelwasm/sdk/config/config";
import { Regexp } from "@otelwasm/sdk/regexp";
import { Message } from "@otelwasm/sdk/wire/message";
import { applyPatch, beginPatch } from "@otelwasm/sdk/wire/patch";
import { useDetector, usePatterns } from "./detect";
import { useKeys } from "./keys";
import { useHash, useMask } from "./replacement";
import { includeSpanNames, Type } from "./schema";
import { Settings } from "./settings";
import { walk } from "./walk";

export class Redactor extends Processor {
  constructor() {
    super();
    const settings = config<Settings>();
    settings.check();
    for (let i = 0; i < settings.detectors.length; ++i) useDetector(settings.detectors[i]);
    usePatterns(compile(settings.patterns, "patterns"));
    useKeys(settings.allowedKeys, compile(settings.blockedKeyPatterns, "blocked_key_patterns"));
    const mask = settings.mask;
    useMask(mask === null ? "****" : mask);
    if (settings.hash !== null) useHash(settings.hashSalt);
    if (settings.spanNames) includeSpanNames();
  }

  processTraces(traces: Traces): Status {
    return redact(traces, Type.Traces);
  }

  processMetrics(metrics: Metrics): Status {
    return redact(metrics, Type.Metrics);
  }

  processLogs(logs: Logs): Status {
    return redact(logs, Type.Logs);
  }
}

function redact(batch: Message, type: Type): Status {
  beginPatch();
  walk(type, batch._start, batch._end, 0);
  applyPatch(batch);
  return Status.ok();
}

function compile(patterns: string[], path: string): Regexp[] {
  const expressions: Regexp[] = [];
  for (let i = 0; i < patterns.length; ++i) {
    const expression = Regexp.tryCompile(patterns[i]);
    const place = path + "[" + i.toString() + "]";
    if (expression.error !== null) configFail(place, 'is not a regular expression: "' + patterns[i] + '": ' + expression.error!);
    expressions.push(expression);
  }
  return expressions;
}
