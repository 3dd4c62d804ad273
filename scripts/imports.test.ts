import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { importViolations } from "./imports.ts";

function violationsOf(files: Record<string, string>): string[] {
  const root = mkdtempSync(join(tmpdir(), "otelwasm-imports-"));
  try {
    for (const [path, text] of Object.entries(files)) {
      const file = join(root, "packages/otelwasm/src", path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
    }
    return importViolations(root);
  } finally {
    rmSync(root, { recursive: true });
  }
}

test("this repository has no import that points upward", () => {
  assert.deepEqual(importViolations(join(import.meta.dirname, "..")), []);
});

test("an import that points upward is found, whatever its form", () => {
  for (const text of [
    'import { x } from "../service/graph.ts";',
    'import type { X } from "../service/graph.ts";',
    'export { x } from "../service/graph.ts";',
    'import "../service/graph.ts";',
    'const x = await import("../service/graph.ts");',
    'import {\n  x,\n} from "../service/graph.ts";',
  ]) {
    assert.deepEqual(
      violationsOf({ "plugin/plugin.ts": text }),
      ["plugin/plugin.ts: imports service/graph.ts, which is a higher layer"],
      text,
    );
  }
});

test("component/errors is below the rest of its folder", () => {
  assert.deepEqual(violationsOf({ "telemetry/json.ts": 'import "../component/errors.ts";' }), []);
  assert.equal(violationsOf({ "telemetry/json.ts": 'import "../component/factory.ts";' }).length, 1);
});

test("only an engine's folder may use WebAssembly", () => {
  assert.deepEqual(violationsOf({ "runtime/v8/runtime.ts": "new WebAssembly.Module(b);" }), []);
  assert.deepEqual(violationsOf({ "plugin/plugin.ts": "// WebAssembly\nconst s = 'a';" }), []);
  assert.equal(violationsOf({ "plugin/plugin.ts": "new WebAssembly.Module(b);" }).length, 1);
});

test("a folder without a layer is reported", () => {
  assert.equal(violationsOf({ "misc/x.ts": "" }).length, 1);
});
