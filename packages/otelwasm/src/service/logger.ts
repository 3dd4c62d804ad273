import { type Logger as PinoLogger, pino } from "pino";
import type { LogAttributes, Logger } from "../component/logger.ts";
import { type Outputs, openOutputs, type WriteText } from "./log-output.ts";
import { LogSampler } from "./log-sampler.ts";
import type { LogSettings } from "./log-settings.ts";
import type { ResourceAttributes } from "./telemetry/resource.ts";

export type LogLevel = LogSettings["level"] | "trace";

/** What `service::telemetry::logs` has, as `LogSettings` gives it; what is not given has no effect, but for `level` (info) and `encoding` (console). */
export interface LoggerOptions extends Partial<Omit<LogSettings, "level" | "processors">> {
  readonly level?: LogLevel;
  /** In every line, as `resource`, if `withResource` says so. */
  readonly resource?: ResourceAttributes | undefined;
  /** Default: to `outputPaths`, which by default are standard error; written before the call returns. */
  readonly write?: WriteText;
  /** Default: whether standard error is a terminal, and `NO_COLOR` is not set. Only `console` has colours. */
  readonly colour?: boolean;
}

/**
 * A logger as `service::telemetry::logs` describes it. `json`: one object a line, with the Collector's names `level`, `ts` and `msg`. `console`: for people.
 *
 * @throws ConfigError that names the path that cannot be written to
 */
export function createLogger(options: LoggerOptions = {}): Logger {
  const { outputPaths = ["stderr"], errorOutputPaths = ["stderr"], initialFields = {} } = options;
  const resource = options.withResource === true ? options.resource : undefined;
  const { write, close }: Outputs =
    options.write === undefined ? openOutputs(outputPaths, errorOutputPaths) : { write: options.write, close() {} };
  const terminal = outputPaths.every((path) => path === "stderr") && process.stderr.isTTY === true;
  const colour = options.colour ?? (terminal && !process.env.NO_COLOR);
  const destination =
    options.encoding === "json" ? { write } : { write: (line: string) => write(formatForPeople(line, colour)) };
  const target = pino(
    {
      level: options.level ?? "info",
      base: resource === undefined ? null : { resource },
      messageKey: "msg",
      formatters: { level: (label) => ({ level: label }) },
      timestamp: () => `,"ts":"${new Date().toISOString()}"`,
    },
    destination,
  );
  const sampler = options.sampling === undefined ? undefined : new LogSampler(options.sampling);
  const root = adapt(target, sampler, options.stacks);
  const logger = Object.keys(initialFields).length === 0 ? root : root.child(initialFields);
  return { ...logger, close };
}

type Level = "trace" | "debug" | "info" | "warn" | "error";
const GRAVE: ReadonlySet<Level> = new Set(["warn", "error"]);

function adapt(target: PinoLogger, sampler: LogSampler | undefined, stacks: LogSettings["stacks"]): Logger {
  const at = (level: Level) => {
    const withStacks = stacks === undefined ? target.isLevelEnabled("debug") : stacks === "warn" && GRAVE.has(level);
    return (message: string, attributes?: LogAttributes): void => {
      if (!target.isLevelEnabled(level) || sampler?.admits(level, message) === false) return;
      if (attributes === undefined) target[level](message);
      else target[level](writable(attributes, withStacks), message);
    };
  };
  return {
    trace: at("trace"),
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    child: (attributes) => adapt(target.child(writable(attributes, false)), sampler, stacks),
  };
}

/** What stands in every line: an attribute of that name must not take its place. */
const RESERVED: ReadonlySet<string> = new Set(["level", "ts", "msg"]);

/** Errors have no own JSON: their message, and where stacks are wanted the stack, which begins with it. */
function writable(attributes: LogAttributes, stacks: boolean): LogAttributes {
  return Object.fromEntries(
    Object.entries(attributes).map(([key, value]) => [
      RESERVED.has(key) ? `attributes.${key}` : key,
      value instanceof Error ? (stacks ? (value.stack ?? value.message) : value.message) : value,
    ]),
  );
}

const COLOURS: Readonly<Record<string, string>> = {
  trace: "\u001b[90m",
  debug: "\u001b[35m",
  info: "\u001b[34m",
  warn: "\u001b[33m",
  error: "\u001b[31m",
};
const DIM = "\u001b[2m";
const RESET = "\u001b[0m";

/**
 * `2026-11-21T10:00:00.000Z  info   message  {"key": "value"}`; of a message with several lines the attributes follow the first, and the
 * others come as they are.
 */
function formatForPeople(line: string, colour: boolean): string {
  const { level, ts, msg, ...attributes } = JSON.parse(line) as { level: string; ts: string; msg?: string };
  const [first, ...more] = (msg ?? "").replace(/\n+$/, "").split("\n");
  const pairs = Object.entries(attributes).map(([key, value]) => `${JSON.stringify(key)}: ${JSON.stringify(value)}`);
  const paint = (code: string, text: string) => (colour ? `${code}${text}${RESET}` : text);
  const parts = [paint(DIM, ts), paint(COLOURS[level] ?? "", level) + " ".repeat(5 - level.length), first];
  if (pairs.length > 0) parts.push(paint(DIM, `{${pairs.join(", ")}}`));
  return `${[parts.join("  "), ...more].join("\n")}\n`;
}
