import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { buildPlugin } from "../build/index.ts";
import { EPOCH, instantiateBinary } from "./harness.ts";
import { decode, LogsData } from "./otlp.ts";

test("the README's plugin compiles and does what it says", async () => {
  const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
  const source = /```ts\n(import [\s\S]*?)```/.exec(readme)?.[1] ?? assert.fail("no code");
  const folder = await mkdtemp(join(tmpdir(), "otelwasm-readme-"));
  try {
    await writeFile(join(folder, "index.ts"), source);
    const { binary, diagnostics } = await buildPlugin({ entry: join(folder, "index.ts") });
    assert.deepEqual(diagnostics, []);
    assert.match(instantiateBinary(binary, "{}").start().reason, /key is required/);
    const guest = instantiateBinary(binary, '{"key":"checked"}');
    assert.equal(guest.start().status, 0);
    const { result } = guest.consume(
      "logs",
      LogsData.encode({ resourceLogs: [{ scopeLogs: [{ logRecords: [{}] }] }] }).finish(),
    );
    assert.deepEqual(decode(LogsData, result ?? new Uint8Array(0)), {
      resourceLogs: [
        { scopeLogs: [{ logRecords: [{ attributes: [{ key: "checked", value: { stringValue: "yes" } }] }] }] },
      ],
    });
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("the README's receiver compiles, emits, and stops when it is to", async () => {
  const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
  const [source = ""] = /import [^\n]*\bLogsReceiver\b[\s\S]*?(?=```)/.exec(readme) ?? assert.fail("no code");
  const folder = await mkdtemp(join(tmpdir(), "otelwasm-readme-"));
  try {
    await writeFile(join(folder, "index.ts"), source);
    const { binary, diagnostics } = await buildPlugin({ entry: join(folder, "index.ts") });
    assert.deepEqual(diagnostics, []);
    let waits = 0;
    const guest = instantiateBinary(binary, '{"interval":500}', {
      shutdownRequested: () => waits === 3,
      onWait: () => {
        waits++;
      },
    });
    assert.equal(guest.start().status, 0);
    assert.deepEqual(
      guest.receive("logs").batches.map((batch) => decode(LogsData, batch)),
      [0n, 1n, 2n].map((i) => ({
        resourceLogs: [
          {
            scopeLogs: [
              {
                logRecords: [
                  {
                    timeUnixNano: String(EPOCH + i * 500_000_000n),
                    severityNumber: 9,
                    body: { stringValue: "tick" },
                  },
                ],
              },
            ],
          },
        ],
      })),
    );
  } finally {
    await rm(folder, { recursive: true });
  }
});
