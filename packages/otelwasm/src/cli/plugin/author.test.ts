/** What a plugin's author does with the command, from nothing to a plugin that is tested. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { buildPlugin } from "@otelwasm/sdk/build";
import { runCommand } from "../testing/command.ts";
import type { SdkBuild } from "./build.ts";

const ROOT = fileURLToPath(new URL("../../../../../", import.meta.url));

/** In the repository, where its packages are found; what is ignored there. */
let folder = "";
before(() => {
  mkdirSync(join(ROOT, "build"), { recursive: true });
  folder = mkdtempSync(join(ROOT, "build", "author-"));
});
after(() => rmSync(folder, { recursive: true }));

const otelwasm = (cwd: string, ...args: string[]) => runCommand(["plugin", ...args], {}, "", cwd);

/** What npm would run; the folders of commands are on its path. */
function runIn(cwd: string, command: string): { status: number | null; output: string } {
  const PATH = `${join(ROOT, "node_modules/.bin")}:${process.env.PATH}`;
  // The variables of the test runner that runs this would turn its output into messages for that one.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const { status, stdout, stderr } = spawnSync(command, { cwd, encoding: "utf8", shell: true, env: { ...env, PATH } });
  return { status, output: stdout + stderr };
}

describe("from nothing to a plugin", () => {
  let hello = "";

  before(async () => {
    hello = join(folder, "hello");
    const { code, stdout, stderr } = await otelwasm(folder, "new", "hello");
    assert.deepEqual([code, stderr], [0, ""]);
    // The packages are found from there, so nothing has to be installed.
    assert.match(stdout, /cd hello\n {2}npm test/);
    const built = await otelwasm(hello, "build");
    assert.deepEqual([built.code, built.stderr], [0, ""]);
    assert.match(built.stdout, /^build\/hello\.wasm: [\d.]+ kB, [\d.]+ kB gzipped, compiled in [\d.]+ s\n/);
    assert.match(built.stdout, /\nABI +v1\nsignals +logs\nimports .*set_result_logs.*\nexports .*consume_logs/);
  });

  test("the files, with every marker filled in", () => {
    const files = readdirSync(hello, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    assert.deepEqual(files.map(({ name }) => name).sort(), [
      ".gitignore",
      "README.md",
      "batch.json",
      "config.yaml",
      "hello.wasm",
      "index.test.ts",
      "index.ts",
      "package.json",
      "tsconfig.json",
    ]);
    for (const { name, parentPath } of files)
      assert.doesNotMatch(readFileSync(join(parentPath, name), "latin1"), /\{\{/, name);
    const { name, devDependencies } = JSON.parse(readFileSync(join(hello, "package.json"), "utf8"));
    assert.deepEqual([name, Object.keys(devDependencies)], ["hello", ["@otelwasm/sdk", "otelwasm"]]);
  });

  test("its own test passes, and fails when the plugin does something else", () => {
    const script: string = JSON.parse(readFileSync(join(hello, "package.json"), "utf8")).scripts.test;
    const runTests = script.replace("otelwasm plugin build && ", "");
    const { status, output } = runIn(hello, runTests);
    assert.equal(status, 0, output);
    assert.match(output, /pass 2\b/);
    const other = join(folder, "other");
    cpSync(hello, other, { recursive: true });
    const test = join(other, "index.test.ts");
    writeFileSync(test, readFileSync(test, "utf8").replace('stringValue: "web"', 'stringValue: "other"'));
    assert.equal(runIn(other, runTests).status, 1);
  });

  test("an editor finds the types", () => {
    const { status, output } = runIn(hello, "tsc -p assembly");
    assert.deepEqual([status, output], [0, ""]);
    const wrong = join(hello, "assembly", "wrong.ts");
    writeFileSync(wrong, readFileSync(join(hello, "assembly/index.ts"), "utf8").replace("putStr", "putText"));
    assert.match(runIn(hello, "tsc -p assembly").output, /^assembly\/wrong\.ts\(14,\d+\): error .*'putText'/);
    rmSync(wrong);
  });

  test("run and inspect", async () => {
    const ran = await otelwasm(hello, "run", "build/hello.wasm", "--signal", "logs", "--input", "batch.json");
    assert.deepEqual([ran.code, ran.stderr], [0, ""]);
    const [first, second] = JSON.parse(ran.stdout).resourceLogs[0].scopeLogs[0].logRecords;
    const greeting = { key: "greeting", value: { stringValue: "hello" } };
    assert.deepEqual(first.attributes, [greeting]);
    assert.deepEqual(second.attributes[1], greeting);
    const inspected = await otelwasm(hello, "inspect", "build/hello.wasm", "--json");
    assert.equal(inspected.code, 0);
    const { dialect, signals, problems } = JSON.parse(inspected.stdout);
    assert.deepEqual([dialect, signals, problems], ["v1", ["logs"], []]);
    const wrong = await otelwasm(
      hello,
      ...["run", "build/hello.wasm", "--signal", "logs", "--input", "batch.json", "--config", '{"kee":1}'],
    );
    assert.equal(wrong.code, 1);
    assert.match(
      wrong.stderr,
      /^Error: build\/hello\.wasm: start: status 1 \(error\): plugin_config: kee is not .*\n$/,
    );
  });

  test("errors of the compiler have file, line and column, and nothing is written", async () => {
    const broken = join(folder, "broken");
    mkdirSync(broken);
    const source = readFileSync(join(hello, "assembly/index.ts"), "utf8");
    writeFileSync(join(broken, "plugin.ts"), source.replace("settings.key", "settings.kee"));
    const { code, stdout, stderr } = await otelwasm(folder, "build", "broken/plugin.ts", "-o", "broken/out.wasm");
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, /^Error: broken\/plugin\.ts does not compile:\nbroken\/plugin\.ts:14:\d+: error .*'kee'/);
    assert.ok(!existsSync(join(broken, "out.wasm")));
  });

  test("a place that cannot be written is named, and nothing is left behind", async () => {
    const before = readdirSync(hello);
    // The second is a folder; in the third, on Linux, Node's own recursive mkdir never returns.
    for (const place of ["package.json/hello.wasm", "build", "/proc/otelwasm/hello.wasm"]) {
      const { code, stdout, stderr } = await otelwasm(hello, "build", "-o", place);
      assert.deepEqual([code, stdout], [1, ""]);
      assert.ok(stderr.startsWith(`Error: cannot write "${place}": E`), stderr);
    }
    assert.deepEqual(readdirSync(hello), before);
  });
});

describe("plugin new", () => {
  for (const signal of ["traces", "metrics"]) {
    test(`a plugin for ${signal}, named as something that the SDK has`, async () => {
      // `Traces` is the SDK's: the class must be called something else.
      assert.equal((await otelwasm(folder, "new", signal, "--signal", signal)).code, 0);
      const { status, output } = runIn(join(folder, signal), "npm test");
      assert.equal(status, 0, output);
      assert.match(output, new RegExp(`signals +${signal}\\n[^]*pass 2\\b`));
    });
  }

  for (const kind of ["receiver", "exporter"]) {
    test(`${kind}: its own test passes, and what it says to run next works`, async () => {
      const made = await otelwasm(folder, "new", `my-${kind}`, "--kind", kind, "--signal", "logs");
      assert.equal(made.code, 0, made.stderr);
      const project = join(folder, `my-${kind}`);
      const { status, output } = runIn(project, "npm test");
      assert.equal(status, 0, output);
      const said = /npx otelwasm plugin (run .*)/.exec(made.stdout)?.[1] ?? assert.fail(made.stdout);
      const ran = await otelwasm(project, ...said.split(" "));
      assert.equal(ran.code, 0, ran.stderr);
      assert.match(ran.stdout + ran.stderr, kind === "receiver" ? /"hello"/ : /exported: the plugin answered success/);
    });
  }

  test("what is there already is not touched", async () => {
    mkdirSync(join(folder, "occupied"));
    writeFileSync(join(folder, "occupied", "mine.txt"), "mine");
    const { code, stderr } = await otelwasm(folder, "new", "occupied");
    assert.equal(code, 1);
    assert.match(stderr, /^Error: occupied\/ is not empty: choose another name/);
    assert.deepEqual(readdirSync(join(folder, "occupied")), ["mine.txt"]);
    writeFileSync(join(folder, "file"), "");
    assert.match((await otelwasm(folder, "new", "file")).stderr, /^Error: file is a file: choose another name/);
    mkdirSync(join(folder, "empty"));
    assert.equal((await otelwasm(folder, "new", "empty")).code, 0);
  });

  test("names that cannot be", async () => {
    for (const name of ["Hello", "hello_world", "../up", "1st", "a--b", "-x", "otelwasm", "x".repeat(65), ""]) {
      const { code, stderr } = await otelwasm(folder, "new", ...(name.startsWith("-") ? ["--", name] : [name]));
      assert.equal(code, 2, name);
      assert.match(stderr, /is invalid for argument 'name'\. Small letters, digits/, name);
    }
  });

  test("where the packages are not installed yet, `npm install` is the first thing to do", async () => {
    const outside = mkdtempSync(join(tmpdir(), "otelwasm-new-"));
    try {
      const { code, stdout } = await otelwasm(outside, "new", "hello");
      assert.equal(code, 0);
      assert.match(stdout, /cd hello\n {2}npm install\n {2}npm test/);
      const { scripts } = JSON.parse(readFileSync(join(outside, "hello/package.json"), "utf8"));
      assert.equal(scripts.test, "otelwasm plugin build && node --test");
      const built = await otelwasm(join(outside, "hello"), "build");
      assert.equal(built.code, 1);
      assert.match(
        built.stderr,
        /^Error: the compiler is in .*@otelwasm\/sdk, .*"npm install --save-dev @otelwasm\/sdk"/,
      );
    } finally {
      rmSync(outside, { recursive: true });
    }
  });
});

describe("plugin build", () => {
  test("nothing to build", async () => {
    const empty = join(folder, "nothing");
    mkdirSync(empty);
    assert.match(
      (await otelwasm(empty, "build")).stderr,
      /^Error: assembly\/index\.ts is missing: .*otelwasm plugin new/,
    );
    assert.match((await otelwasm(empty, "build", "no")).stderr, /^Error: there is no file or folder "no"\n$/);
  });

  test("what it expects of the SDK is what the SDK has", async () => {
    const sdk: SdkBuild = { buildPlugin };
    await assert.rejects(sdk.buildPlugin({ entry: "no.ts" }), /^PluginBuildError: no\.ts does not compile:\n.*no such/);
  });
});
