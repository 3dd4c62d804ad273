import { type Logger as PinoLogger, pino } from "pino";
import type { LogAttributes, Logger } from "../component/logger.ts";
import type { LogSettings } from "./settings.ts";

export type LogLevel = LogSettings["level"] | "trace";

export interface LoggerOptions {
  /** Default `info`. */
  readonly level?: LogLevel;
  /** `json`: one object a line, with the Collector's names `level`, `ts` and `msg`. `console` (default): for people. */
  readonly encoding?: LogSettings["encoding"];
  /** Default: standard error, written before the call returns. */
  readonly write?: (text: string) => void;
  /** Default: whether standard error is a terminal, and `NO_COLOR` is not set. Only `console` has colours. */
  readonly colour?: boolean;
}

/** A logger as `service::telemetry::logs` describes it. */
export function createLogger(options: LoggerOptions = {}): Logger {
  const write = options.write ?? writerToStandardError();
  const colour = options.colour ?? (process.stderr.isTTY === true && !process.env.NO_COLOR);
  const destination =
    options.encoding === "json" ? { write } : { write: (line: string) => write(formatForPeople(line, colour)) };
  return adapt(
    pino(
      {
        level: options.level ?? "info",
        base: null,
        messageKey: "msg",
        formatters: { level: (label) => ({ level: label }) },
        timestamp: () => `,"ts":"${new Date().toISOString()}"`,
      },
      destination,
    ),
  );
}

function writerToStandardError(): (text: string) => void {
  const destination = pino.destination({ fd: 2, sync: true });
  return (text) => destination.write(text);
}

type Level = "trace" | "debug" | "info" | "warn" | "error";

function adapt(target: PinoLogger): Logger {
  const at =
    (level: Level) =>
    (message: string, attributes?: LogAttributes): void => {
      if (!target.isLevelEnabled(level)) return;
      if (attributes === undefined) target[level](message);
      else target[level](writable(attributes, target.isLevelEnabled("debug")), message);
    };
  return {
    trace: at("trace"),
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    child: (attributes) => adapt(target.child(writable(attributes, false))),
  };
}

/** What stands in every line: an attribute of that name must not take its place. */
const RESERVED: ReadonlySet<string> = new Set(["level", "ts", "msg"]);

/** Errors have no own JSON: their message, and who debugs gets the stack. */
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
