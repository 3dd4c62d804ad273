/**
 * A reporter of Node's test runner beside the one that a person reads: what was left out and why, at the end. It writes the files of these tests to
 * `build/left-out.json`, which `npm test -- --left-out` runs.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { relative } from "node:path";
import type { TestEvent } from "node:test/reporters";
import { required } from "../conformance/needs.ts";

export const LEFT_OUT_FILE = "build/left-out.json";

/** What may be left out: something that OTELWASM_REQUIRE could name, and does not. Without OTELWASM_REQUIRE, anything with a reason. */
function mayBeLeftOut(reason: string): boolean {
  if (process.env.OTELWASM_REQUIRE === undefined) return reason !== "";
  const names = [...reason.matchAll(/(?:^|; )needs (\w+): /g)].map(([, name]) => name!);
  return names.length > 0 && names.some((name) => !required().includes(name));
}

export default async function* leftOut(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const reasons = new Map<string, string[]>();
  const files = new Set<string>();
  for await (const { type, data } of events) {
    if (type !== "test:pass" || data.skip === undefined || data.skip === false) continue;
    const reason = typeof data.skip === "string" ? data.skip : "";
    reasons.set(reason, [...(reasons.get(reason) ?? []), data.name]);
    if (data.file !== undefined) files.add(relative(process.cwd(), data.file));
  }
  mkdirSync("build", { recursive: true });
  writeFileSync(LEFT_OUT_FILE, JSON.stringify([...files].sort()));
  for (const [reason, names] of reasons) {
    yield `\nLeft out: ${names.join("; ")}\n  ${reason === "" ? "without a reason" : reason}\n`;
    if (mayBeLeftOut(reason)) continue;
    process.exitCode = 1;
    yield `  This must not be left out (OTELWASM_REQUIRE=${process.env.OTELWASM_REQUIRE ?? ""})\n`;
  }
}
