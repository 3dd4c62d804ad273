/** What was played, for a person. */
import type { Played } from "./play.ts";

const COLUMNS: Readonly<Record<string, (played: Played) => number | string>> = {
  scenario: ({ scenario }) => scenario.name,
  seconds: ({ seconds }) => seconds,
  requests: ({ ledger }) => ledger.requests,
  attempts: ({ ledger }) => ledger.attempts,
  acknowledged: ({ ledger }) => ledger.acknowledged,
  "refused for good": ({ ledger }) => ledger.refusedForGood,
  open: ({ ledger }) => ledger.open,
  "items at sinks": ({ ledger }) => ledger.received,
  "turned away": ({ ledger }) => ledger.turnedAway,
  LOST: ({ ledger }) => ledger.lost,
  "again, explained": ({ ledger }) => ledger.duplicates - ledger.unexplained,
  UNEXPLAINED: ({ ledger }) => ledger.unexplained,
  MiB: ({ rss }) => Math.round(rss / 1024 / 1024),
  result: ({ problems }) => (problems.length === 0 ? "ok" : "WRONG"),
};

/** One line for each scenario. */
export function table(played: readonly Played[]): string {
  const names = Object.keys(COLUMNS);
  const rows = [names, ...played.map((each) => names.map((name) => String(COLUMNS[name]!(each))))];
  const widths = names.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
        .join("  "),
    )
    .join("\n");
}

/** What happened in one, and what came of it. */
export function details({ scenario, seed, ledger, happened, problems }: Played): string {
  const counted = (title: string, counts: ReadonlyMap<string, number>): string[] =>
    counts.size === 0
      ? []
      : [`  ${title}`, ...[...counts].map(([what, count]) => `    ${String(count).padStart(7)}  ${what}`)];
  return [
    `${scenario.name}: ${scenario.what} (--only ${scenario.name} --seed ${seed})`,
    ...counted("happened:", happened),
    ...counted("attempts that were not acknowledged:", ledger.outcomes),
    ...counted("items that came again:", ledger.causes),
    ...problems.map((problem) => `  WRONG: ${problem}`),
    "",
  ].join("\n");
}
