import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import { PLUGIN_HOST, PROCESSING } from "../packages/otelwasm/src/abi/world.ts";
import { pluginConfigSchema } from "../packages/otelwasm/src/plugin/config.ts";
import { processorModule } from "../packages/otelwasm/src/plugin/testing/processor-component.ts";
import { parseComponent } from "../packages/otelwasm/src/runtime/component-binary.ts";

const text = readFileSync(new URL("COMPONENTS.md", import.meta.url), "utf8");
const wit = readFileSync(new URL("../packages/sdk/wit/plugin.wit", import.meta.url), "utf8");

function block(language: string): string {
  const found = new RegExp(`^\`\`\`${language}[^\\n]*\\n([\\s\\S]*?)^\`\`\`$`, "m").exec(text)?.[1];
  assert.ok(found !== undefined, `COMPONENTS.md has no ${language}`);
  return found;
}

test("the configuration of COMPONENTS.md is one", () => {
  const { wasm } = parse(block("yaml")).processors;
  assert.equal(pluginConfigSchema("processor").parse(wasm).runtime_config?.features?.component_model, true);
});

test("COMPONENTS.md and the world have the same names", () => {
  for (const name of [PROCESSING, PLUGIN_HOST]) assert.ok(text.includes(`\`${name}\``), name);
  const functions = [...wit.slice(wit.indexOf("interface processing")).matchAll(/^ {2}([a-z-]+): func/gm)].map(
    ([, name]) => name!,
  );
  assert.equal(functions.length, 6);
  for (const name of functions) assert.match(block("rust"), new RegExp(`fn ${name.replaceAll("-", "_")}\\(`));
});

test("what a compiler makes is wrapped as COMPONENTS.md says", async (context) => {
  const folder = mkdtempSync(join(tmpdir(), "otelwasm-"));
  context.after(() => rmSync(folder, { recursive: true }));
  const target = join(folder, "target/wasm32-unknown-unknown/release");
  mkdirSync(target, { recursive: true });
  writeFileSync(join(target, "plugin.wasm"), await processorModule());
  symlinkSync(fileURLToPath(new URL("../node_modules", import.meta.url)), join(folder, "node_modules"));
  writeFileSync(join(folder, "wrap.mjs"), block("js"));
  execFileSync(process.execPath, ["wrap.mjs"], { cwd: folder });
  const { exports } = parseComponent(readFileSync(join(folder, "plugin.wasm")));
  assert.deepEqual(
    exports.map(({ name }) => name),
    [PROCESSING],
  );
});
