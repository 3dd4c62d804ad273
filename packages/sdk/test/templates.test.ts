/** The folders that `otelwasm plugin new` makes: each compiles without a remark and passes its own test. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { buildPlugin } from "../build/index.ts";

const templates = fileURLToPath(new URL("../templates", import.meta.url));
const modules = fileURLToPath(new URL("../../../node_modules", import.meta.url));

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), "otelwasm-templates-"));
});
after(() => rmSync(folder, { recursive: true }));

const values: Readonly<Record<string, string>> = {
  name: "greeter",
  className: "Greeter",
  sdkVersion: "*",
  otelwasmVersion: "*",
  nodeOptions: "",
};

function make(kind: string, signal: string): string {
  const project = join(folder, `${kind}-${signal}`);
  for (const part of ["common", signal]) {
    const template = join(templates, kind, part);
    for (const path of readdirSync(template, { recursive: true, encoding: "utf8" })) {
      if (!statSync(join(template, path)).isFile()) continue;
      const text = readFileSync(join(template, path), "utf8").replace(/\{\{(\w+)\}\}/g, (_, key: string) =>
        key === "signal" ? signal : (values[key] ?? assert.fail(key)),
      );
      mkdirSync(dirname(join(project, path)), { recursive: true });
      writeFileSync(join(project, path), text, { flag: "wx" });
    }
  }
  // Last, so that nothing that is written goes through it.
  symlinkSync(modules, join(project, "node_modules"));
  return project;
}

for (const kind of readdirSync(templates)) {
  for (const signal of ["traces", "metrics", "logs"]) {
    test(`${kind} of ${signal}`, async () => {
      const project = make(kind, signal);
      const outFile = join(project, "build/greeter.wasm");
      const { diagnostics } = await buildPlugin({ entry: join(project, "assembly/index.ts"), outFile });
      assert.deepEqual(diagnostics, []);
      const { NODE_TEST_CONTEXT: _, ...env } = process.env;
      const child = spawn(process.execPath, ["--conditions=otelwasm-source", "--test", "--test-reporter=tap"], {
        cwd: project,
        env,
        stdio: ["ignore", "pipe", "inherit"],
      });
      let output = "";
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        output += text;
      });
      const [code] = await once(child, "close");
      assert.equal(code, 0, output);
      assert.match(output, /# pass 2/);
    });
  }
}
