/** Milliseconds in each unit of Go's duration syntax: https://pkg.go.dev/time#ParseDuration */
const UNITS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  // Both code points that are written for micro: U+00B5 and U+03BC.
  "\u00b5s": 1e-3,
  "\u03bcs": 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};

const PART = /(\d+\.?\d*|\.\d+)(ns|us|\u00b5s|\u03bcs|ms|s|m|h)/y;

/**
 * Reads a duration as Go writes it: `200ms`, `1m30s`, `1.5h`, `0`.
 *
 * @returns milliseconds, with a fraction where the text says so; `undefined` if the text is no duration
 */
export function parseDuration(text: string): number | undefined {
  const sign = text.startsWith("-") ? -1 : 1;
  const digits = /^[+-]/.test(text) ? text.slice(1) : text;
  if (digits === "0") return 0;
  if (digits === "") return undefined;
  let total = 0;
  PART.lastIndex = 0;
  let end = 0;
  for (let part = PART.exec(digits); part !== null; part = PART.exec(digits)) {
    total += Number(part[1]) * UNITS[part[2]!]!;
    end = PART.lastIndex;
  }
  return end === digits.length ? sign * round(total) : undefined;
}

/** Writes milliseconds as Go does: 90000 becomes `1m30s`, 0.5 becomes `500µs`. */
export function formatDuration(milliseconds: number): string {
  const sign = milliseconds < 0 ? "-" : "";
  const ms = Math.abs(milliseconds);
  if (ms === 0) return "0s";
  if (ms < 1e-3) return `${sign}${round(ms * 1e6)}ns`;
  if (ms < 1) return `${sign}${round(ms * 1e3)}\u00b5s`;
  if (ms < 1_000) return `${sign}${round(ms)}ms`;
  const hours = Math.floor(ms / 3_600_000);
  const minutes = Math.floor((ms % 3_600_000) / 60_000);
  const seconds = round((ms % 60_000) / 1_000);
  return `${sign}${hours > 0 ? `${hours}h` : ""}${hours > 0 || minutes > 0 ? `${minutes}m` : ""}${seconds}s`;
}

/** Floating point leaves 0.30000000000000004 behind. */
function round(value: number): number {
  return Number(value.toPrecision(15));
}
