import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, test } from "node:test";
import { leftOut, testFilesOf } from "./left-out.ts";

const GO = "needs go: there is no go in PATH";
const BOTH = `${GO}; needs rust: rustc has no wasm32-wasip1`;

describe("what was left out", () => {
  test("is said once for each reason, with the files", () => {
    const file = resolve("conformance/a.test.ts");
    const { text, files, allowed } = leftOut(
      [
        { name: "one", file, skip: GO },
        { name: "two", file, skip: GO },
        { name: "three" },
        { name: "four", skip: BOTH },
      ],
      undefined,
    );
    assert.equal(text, `\nLeft out: one; two\n  ${GO}\n\nLeft out: four\n  ${BOTH}\n`);
    assert.deepEqual([files, allowed], [["conformance/a.test.ts"], true]);
    assert.deepEqual(leftOut([{ name: "one", file, skip: false }], []), { text: "", files: [], allowed: true });
  });

  test("is run again by the test files that have it, or import where it is written", () => {
    const all = ["scripts/left-out.test.ts", "scripts/imports.test.ts", "docs/abi.test.ts"];
    assert.deepEqual(testFilesOf(["scripts/left-out.ts", "docs/abi.test.ts"], all), [
      "scripts/left-out.test.ts",
      "docs/abi.test.ts",
    ]);
    assert.deepEqual(testFilesOf([], all), []);
  });

  test("may be left out only if something is missing that nobody requires", () => {
    const allowed = (skip: string | true, names: string[] | undefined): boolean =>
      leftOut([{ name: "one", skip }], names).allowed;
    assert.deepEqual(
      [allowed(GO, undefined), allowed(true, undefined), allowed("later", undefined)],
      [true, false, true],
    );
    assert.deepEqual([allowed(GO, ["v8"]), allowed(GO, ["v8", "go"]), allowed(true, ["v8"])], [true, false, false]);
    assert.deepEqual(
      [allowed("later", ["v8"]), allowed(BOTH, ["go"]), allowed(BOTH, ["go", "rust"])],
      [false, true, false],
    );
    assert.match(leftOut([{ name: "one", skip: true }], ["v8"]).text, /without a reason\n.*must not be left out/);
  });

  test("and must not be fails the run", () => {
    const build = join(import.meta.dirname, "../build");
    mkdirSync(build, { recursive: true });
    const folder = mkdtempSync(join(build, "left-out-"));
    try {
      writeFileSync(
        join(folder, "a.test.ts"),
        'import { test } from "node:test";\ntest("here", () => {});\ntest("not here", { skip: "needs go: none" }, () => {});\n',
      );
      const run = (require: string): { status: number | null; stdout: string } => {
        const { NODE_TEST_CONTEXT: _, ...env } = process.env;
        const args = ["--test", `--test-reporter=${join(import.meta.dirname, "left-out.ts")}`, "a.test.ts"];
        return spawnSync(process.execPath, args, {
          cwd: folder,
          encoding: "utf8",
          env: { ...env, OTELWASM_REQUIRE: require },
        });
      };
      assert.equal(run("v8").status, 0);
      const { status, stdout } = run("v8,go");
      assert.equal(status, 1);
      assert.match(stdout, /Left out: not here\n {2}needs go: none\n {2}This must not be left out/);
      assert.match(run("v9").stdout, /^$/);
      assert.notEqual(run("v9").status, 0, "an unknown name");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
