import assert from "node:assert/strict";
import { test } from "node:test";
import type { Runtime } from "../contract.ts";
import { capabilitiesOf, create, validate } from "../registry.ts";
import { hasCode } from "../testing/bench.ts";
import "../engines.ts";

test("wasmedge's options are checked, each with its path", () => {
  const issuesOf = (wasmedge: object): string[] =>
    validate({ type: "wasmedge", wasmedge }).map((issue) => issue.split(": ")[0]!);
  assert.deepEqual(issuesOf({ mode: "jit", opt_level: 4, cache_dir: "", library: 7, librari: "x" }), [
    "wasmedge::mode",
    "wasmedge::opt_level",
    "wasmedge::cache_dir",
    "wasmedge::library",
    "wasmedge::librari",
  ]);
  assert.deepEqual(issuesOf({ opt_level: 1, cache_dir: "/tmp/x" }), ["wasmedge::opt_level", "wasmedge::cache_dir"]);
  assert.deepEqual(issuesOf({ mode: "aot", opt_level: 1, cache_dir: "/tmp/x" }), []);
});

test("only what is compiled is kept; in either mode it has a process of its own", () => {
  for (const mode of ["interpreter", "aot"]) {
    const { capabilities } = capabilitiesOf({ type: "wasmedge", wasmedge: { mode } })!;
    assert.deepEqual([capabilities.isolations, capabilities.diskCache], [["process"], mode === "aot"]);
  }
});

test("a library that is not there, or another one, is an error that says so", async () => {
  const make = (library: string): Promise<Runtime> => create({ type: "wasmedge", wasmedge: { library } });
  await assert.rejects(make("/no/such.so"), hasCode("unsupported", /library: there is no file \/no\/such\.so/));
  await assert.rejects(make(import.meta.filename), hasCode("unsupported", /cannot load .*options\.test\.ts/));
});
