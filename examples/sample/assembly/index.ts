// Keeps a part of the traces, and of the logs that belong to them: the same part wherever the same percentage is configured.
import { config, log, LogRecord, Logs, Processor, Span, Status, Traces, Utf8, Value, ValueType } from "@otelwasm/sdk";
import { newUtf8 } from "@otelwasm/sdk/data/bytes";
import {
  hashRandomness,
  hashThresholdOf,
  NEVER,
  NONE,
  parseRandomness,
  parseThreshold,
  thresholdOf,
  traceRandomness,
  writeRandomness,
  writeThreshold,
} from "./probability";
import { Settings } from "./settings";
import { randomness, readTracestate, threshold, writeTracestate, writtenEnd } from "./tracestate";

const digits = memory.data(16);

/** The Collector's names for what a span has in its tracestate. */
const RANDOMNESS = "sampling.randomness";
const THRESHOLD = "sampling.threshold";

export class Sampler extends Processor {
  private settings: Settings = config<Settings>();
  private threshold: u64;
  private hashes: bool;

  constructor() {
    super();
    const settings = this.settings;
    settings.check();
    this.hashes = settings.hashSeed != 0;
    this.threshold = this.hashes
      ? hashThresholdOf(settings.samplingPercentage)
      : thresholdOf(settings.samplingPercentage, settings.samplingPrecision);
  }

  start(): Status {
    if (this.threshold == NEVER && this.settings.samplingPercentage > 0) {
      log.warn("sampling_percentage is less than the smallest part that hash_seed allows (0.0062): nothing is kept");
    }
    return Status.ok();
  }

  processTraces(traces: Traces): Status {
    if (this.threshold == 0) return Status.ok();
    for (const resource of traces.resourceSpans) {
      let scopes = 0;
      for (const scope of resource.scopeSpans) {
        let spans = 0;
        for (const span of scope.spans) {
          if (this.keepsSpan(span)) ++spans;
          else span.remove();
        }
        if (spans == 0) scope.remove();
        else ++scopes;
      }
      if (scopes == 0) resource.remove();
    }
    return Status.ok();
  }

  processLogs(logs: Logs): Status {
    if (this.threshold == 0) return Status.ok();
    for (const resource of logs.resourceLogs) {
      let scopes = 0;
      for (const scope of resource.scopeLogs) {
        let records = 0;
        for (const record of scope.logRecords) {
          if (this.keepsRecord(record)) ++records;
          else record.remove();
        }
        if (records == 0) scope.remove();
        else ++scopes;
      }
      if (scopes == 0) resource.remove();
    }
    return Status.ok();
  }

  /** Decides, and writes the threshold into what is kept. */
  private keepsSpan(span: Span): bool {
    const state = span.traceStateUtf8;
    readTracestate(state.start, state.end);
    const rv = randomness;
    let own = rv;
    if (own == NONE) {
      const id = span.traceId;
      own = this.randomnessOf(id.start, id.end - id.start);
    }
    if (own == NONE) return this.settings.failOpen;
    if (own < this.threshold) return false;
    const arriving = threshold;
    const written = this.writes(own, arriving);
    if (written == arriving) return true;
    // What was hashed cannot be found again in the trace id: it is written down.
    const start = writeTracestate(state.start, state.end, rv == NONE && this.hashes ? own : rv, written);
    span.traceStateUtf8 = newUtf8(start, writtenEnd);
    return true;
  }

  private keepsRecord(record: LogRecord): bool {
    const attributes = record.attributes;
    let own = NONE;
    let explicit = false;
    if (attributes.has(RANDOMNESS)) {
      const text = attributes.get(RANDOMNESS)!.strUtf8;
      own = parseRandomness(text.start, text.end);
      explicit = own != NONE;
    }
    if (own == NONE) {
      const id = record.traceId;
      own = this.randomnessOf(id.start, id.end - id.start);
    }
    let hashed = this.hashes;
    if (own == NONE && this.settings.fromAttribute != "") {
      const value = attributes.get(this.settings.fromAttribute);
      if (value !== null) own = randomnessOfValue(value, this.settings.hashSeed);
      hashed = true;
    }
    if (own == NONE) return this.settings.failOpen;
    if (own < this.threshold) return false;
    let arriving = NONE;
    if (attributes.has(THRESHOLD)) {
      const text = attributes.get(THRESHOLD)!.strUtf8;
      arriving = parseThreshold(text.start, text.end);
    }
    const written = this.writes(own, arriving);
    if (written == arriving) return true;
    if (written == NONE) attributes.remove(THRESHOLD);
    else attributes.putUtf8(THRESHOLD, newUtf8(digits, writeThreshold(digits, written)));
    if (hashed && !explicit && written != NONE) attributes.putUtf8(RANDOMNESS, newUtf8(digits, writeRandomness(digits, own)));
    return true;
  }

  private randomnessOf(id: usize, size: usize): u64 {
    const own = traceRandomness(id, size);
    return own == NONE || !this.hashes ? own : hashRandomness(id, size, this.settings.hashSeed);
  }

  /**
   * @param arriving the threshold that the item was sampled with before
   * @returns the one that it goes on with; `NONE` for none
   */
  private writes(own: u64, arriving: u64): u64 {
    // A threshold that the item's randomness does not reach says nothing true.
    if (arriving != NONE && own < arriving) return NONE;
    if (!this.settings.writeThreshold) return arriving;
    return arriving != NONE && arriving > this.threshold ? arriving : this.threshold;
  }
}

function randomnessOfValue(value: Value, seed: u32): u64 {
  let bytes: Utf8 | null = null;
  switch (value.type) {
    case ValueType.Str:
      bytes = value.strUtf8;
      break;
    case ValueType.Bytes:
      return hashRandomness(value.bytes.start, value.bytes.end - value.bytes.start, seed);
    case ValueType.Int:
      bytes = Utf8.of(value.int.toString());
      break;
    case ValueType.Bool:
      bytes = Utf8.of(value.bool ? "true" : "false");
      break;
  }
  return bytes === null ? NONE : hashRandomness(bytes.start, bytes.end - bytes.start, seed);
}
