import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { launcherOf } from "../registry.ts";
import { needsEngine } from "../testing/engines.ts";
import { wat } from "../testing/wat.ts";
import "../engines.ts";

/** What another process than that of these tests does with a module. */
function ending(wasmedge: object, text: string): { readonly signal: string | null; readonly said: string } {
  const script = `
    import { create } from ${JSON.stringify(new URL("../registry.ts", import.meta.url).href)};
    import ${JSON.stringify(new URL("../engines.ts", import.meta.url).href)};
    import { readFileSync } from "node:fs";
    const runtime = await create({ type: "wasmedge", wasmedge: ${JSON.stringify(wasmedge)} });
    const binary = Buffer.from(${JSON.stringify(Buffer.from(wat(text)).toString("base64"))}, "base64");
    const module = await runtime.compile(binary, { memoryLimit: 1 << 20 });
    const { instance } = await runtime.instantiateWithHost(module, { functions: [] });
    console.log(/Max data size +([0-9]+)/.exec(readFileSync("/proc/self/limits", "utf8"))[1]);
    instance.function("f").call();
    console.log("it returned");
  `;
  const launcher = launcherOf({ type: "wasmedge" }) ?? { file: process.execPath, args: [], env: {} };
  const args = [...launcher.args, "--input-type=module", "-e", script];
  const { signal, stdout } = spawnSync(launcher.file, args, { env: launcher.env, encoding: "utf8" });
  return { signal, said: stdout.trim() };
}

describe("wasmedge: recursion without end", needsEngine("wasmedge"), () => {
  const RECURSION = '(module (func $f (export "f") (call $f) (call $f)))';

  test("ends the process, which has taken no more memory than it was allowed", () => {
    const { signal, said } = ending({}, RECURSION);
    assert.equal(signal, "SIGABRT");
    assert.ok(Number(said) < 4 * 2 ** 30, said);
  });

  test("ends the process of a compiled module, too", async () => {
    const folder = await mkdtemp(join(tmpdir(), "otelwasm-"));
    const { signal } = ending({ mode: "aot", opt_level: 0, cache_dir: folder }, RECURSION);
    assert.equal(signal, "SIGSEGV");
    await rm(folder, { recursive: true });
  });
});
