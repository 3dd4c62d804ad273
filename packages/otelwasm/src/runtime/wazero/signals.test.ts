/** Go's runtime in the process leaves signals as Node.js has them. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, test } from "node:test";
import { needsEngine } from "../testing/engines.ts";
import { wat } from "../testing/wat.ts";

const LOOP = wat(`(module (func (export "f") (param i32) (local $i i32)
  (loop $l (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get 0))))))`);

/** Calls guests from the event loop, tells that it does, and goes on until a signal ends it. */
const PROGRAM = `
  const { create } = await import(${JSON.stringify(new URL("../registry.ts", import.meta.url).href)});
  await import(${JSON.stringify(new URL("../engines.ts", import.meta.url).href)});
  const runtime = await create({ type: "wazero" });
  const module = await runtime.compile(Buffer.from("${Buffer.from(LOOP).toString("base64")}", "base64"));
  const { instance } = await runtime.instantiateWithHost(module, { functions: [] });
  if (process.argv[1] === "handled") process.on(process.argv[2], (name) => { console.log(name); process.exitCode = 5; clearInterval(timer); });
  const timer = setInterval(() => instance.function("f").call(1_000_000), 1);
  instance.function("f").call(1);
  console.log("ready");`;

describe("wazero: signals", needsEngine("wazero"), () => {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGUSR2"] as const) {
    const run = async (how: string): Promise<{ readonly said: string; readonly end: readonly unknown[] }> => {
      const args = ["--conditions=otelwasm-source", "--input-type=module", "--eval", PROGRAM, how, signal];
      const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
      let said = "";
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        if (said === "") child.kill(signal);
        said += text;
      });
      const end = await once(child, "close");
      return { said, end };
    };

    test(`${signal}: its handler is called`, async () => {
      assert.deepEqual(await run("handled"), { said: `ready\n${signal}\n`, end: [5, null] });
    });

    test(`${signal}: without one it ends the process`, async () => {
      assert.deepEqual(await run("default"), { said: "ready\n", end: [null, signal] });
    });
  }
});
