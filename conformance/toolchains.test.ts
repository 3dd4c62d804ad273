import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { SDK_LANGUAGES } from "../e2e/sdks/programs.ts";
import { GUEST_NAMES, GUESTS } from "./guests.ts";
import { TOOLCHAINS } from "./toolchains.ts";

const empty = mkdtempSync(join(tmpdir(), "otelwasm-no-tools-"));
after(() => rmSync(empty, { recursive: true }));

/** In a process where nothing is in PATH. */
function withoutTools(require: string | undefined, ...args: string[]): { status: number | null; output: string } {
  const env = { PATH: empty, ...(require === undefined ? {} : { OTELWASM_REQUIRE: require }) };
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: join(import.meta.dirname, ".."),
    encoding: "utf8",
    env,
  });
  return { status, output: stdout + stderr };
}

describe("where toolchains are missing", () => {
  test("the build says which, and how to get them, and fails", () => {
    const { status, output } = withoutTools(undefined, "conformance/build.ts");
    assert.equal(status, 1, output);
    assert.match(output, /left out: needs go: there is no go in PATH; install Go [\d.]+ or newer: https:/);
    assert.match(
      output,
      /left out: needs rust: there is no rustc with cargo in PATH; .*rustup target add wasm32-wasip1/,
    );
    const unknown = withoutTools(undefined, "conformance/build.ts", "go-procesor");
    assert.equal(unknown.status, 2);
    assert.match(unknown.output, /unknown guest go-procesor; known: go-processor, /);
  });

  test("tests are left out with that reason, unless OTELWASM_REQUIRE names the toolchain", () => {
    const ask = 'import { needs } from "./conformance/needs.ts"; console.log(JSON.stringify(needs("go", "rust")));';
    const asked = (require?: string) => withoutTools(require, "--input-type=module", "-e", ask);
    for (const require of [undefined, "v8"]) {
      const { skip } = JSON.parse(asked(require).output) as { skip: string };
      assert.match(skip, /^needs go: .*; needs rust: /);
    }
    assert.match(asked("v8,go").output, /OTELWASM_REQUIRE names go, but needs go: there is no go in PATH/);
    assert.match(asked("v8,og").output, /OTELWASM_REQUIRE: unknown og; known are: .*v8, .*go, rust/);
  });
});

test("every toolchain builds something", () => {
  const used = new Set([...GUEST_NAMES.map((name) => GUESTS[name].toolchain), ...SDK_LANGUAGES]);
  assert.deepEqual([...used].sort(), [...TOOLCHAINS].sort());
});
