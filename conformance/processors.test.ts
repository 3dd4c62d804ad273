/** Processors of other toolchains on the host that collectors use: what an author in Go or Rust relies on. Judged by protobufjs. */
import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { everyField } from "../e2e/payload.ts";
import { decode, items, type Plain, requestType, SIGNALS, type Signal } from "../e2e/proto.ts";
import { PluginError } from "../packages/otelwasm/src/plugin/errors.ts";
import type { PluginOptions } from "../packages/otelwasm/src/plugin/options.ts";
import { WasmPlugin } from "../packages/otelwasm/src/plugin/plugin.ts";
import { LineLogger } from "../packages/otelwasm/src/plugin/testing/guests.ts";
import { V8_CAPABILITIES } from "../packages/otelwasm/src/runtime/v8/runtime.ts";
import { Errno } from "../packages/otelwasm/src/wasi/errno.ts";
import { buildGuest } from "./build.ts";
import { needs } from "./needs.ts";

interface Loaded extends AsyncDisposable {
  readonly plugin: WasmPlugin;
  readonly lines: string[];
}

const MARKED: Plain = { key: "guest.mark", value: { stringValue: "seen" } };

/** What a batch is when every item of it was marked. */
function marked(signal: Signal, bytes: Uint8Array): Plain {
  const message = decode(requestType[signal], bytes);
  for (const item of items(signal, message)) item.attributes = [...((item.attributes ?? []) as Plain[]), MARKED];
  return message;
}

for (const toolchain of ["go", "rust"] as const)
  describe(`a processor in ${toolchain}`, needs(toolchain), () => {
    for (const isolation of V8_CAPABILITIES.isolations)
      describe(`isolation ${isolation}`, () => {
        const load = async (pluginConfig: object, options: Partial<PluginOptions> = {}): Promise<Loaded> => {
          const logger = new LineLogger();
          const plugin = await WasmPlugin.load({
            id: `wasm/${toolchain}`,
            role: "processor",
            signals: SIGNALS,
            pluginConfig,
            isolation,
            logger,
            ...options,
            path: await buildGuest(`${toolchain}-processor`),
          } as PluginOptions);
          return {
            plugin,
            lines: logger.lines,
            [Symbol.asyncDispose]: () => plugin.shutdown().catch(() => undefined),
          };
        };

        test("changes every signal, and nothing else", async () => {
          await using loaded = await load({ mark: "seen" });
          assert.deepEqual([...loaded.plugin.supportedSignals].sort(), [...SIGNALS].sort());
          await loaded.plugin.start();
          for (const signal of SIGNALS) {
            const bytes = everyField(signal, { unknownFields: false });
            const expected = marked(signal, bytes);
            const results = await loaded.plugin.consume({ signal, bytes: bytes.slice() });
            assert.deepEqual(decode(requestType[signal], Buffer.concat(results!)), expected, signal);
          }
        });

        test("takes a thousand batches in turn, and an empty one", async () => {
          await using loaded = await load({ mark: "seen" });
          await loaded.plugin.start();
          for (let round = 0; round < 1000; round++) {
            const signal = SIGNALS[round % SIGNALS.length]!;
            const bytes = everyField(signal, { unknownFields: false });
            const expected = round < SIGNALS.length ? marked(signal, bytes) : undefined;
            const [result] = (await loaded.plugin.consume({ signal, bytes }))!;
            if (expected !== undefined) assert.deepEqual(decode(requestType[signal], result!), expected);
          }
          const empty = await loaded.plugin.consume({ signal: "logs", bytes: new Uint8Array(0) });
          assert.deepEqual(
            empty?.map(({ length }) => length),
            [0],
          );
        });

        test("refuses a start, a batch and a shutdown with its reason", async () => {
          await using unwilling = await load({ fail_start: "no table" });
          await assert.rejects(unwilling.plugin.start(), (error: unknown) => {
            assert.ok(error instanceof PluginError);
            assert.equal(error.reason, "no table");
            return true;
          });
          await using failing = await load({ fail_consume: "too late", fail_shutdown: "nor now" });
          await failing.plugin.start();
          for (const signal of SIGNALS) {
            const bytes = everyField(signal, { unknownFields: false });
            await assert.rejects(failing.plugin.consume({ signal, bytes }), (error: unknown) => {
              assert.ok(error instanceof PluginError);
              assert.deepEqual(
                [error.reason, error.permanent, error.function],
                ["too late", false, `consume_${signal}`],
              );
              return true;
            });
          }
          await assert.rejects(failing.plugin.shutdown(), /nor now/);
        });

        test("calls what is not OTLP invalid, and goes on", async () => {
          await using loaded = await load({ mark: "seen" });
          await loaded.plugin.start();
          await assert.rejects(loaded.plugin.consume({ signal: "logs", bytes: Uint8Array.of(10, 200, 1) }), {
            permanent: true,
          });
          const bytes = everyField("logs", { unknownFields: false });
          const expected = marked("logs", bytes);
          const results = await loaded.plugin.consume({ signal: "logs", bytes });
          assert.deepEqual(decode(requestType.logs, results![0]!), expected);
        });

        test("gets a configuration that is larger than its first buffer", async () => {
          for (const size of [0, 1000, 1 << 20]) {
            await using loaded = await load({ padding: "x".repeat(size) });
            await loaded.plugin.start();
            const bytes = JSON.stringify({ padding: "x".repeat(size) }).length;
            assert.ok(
              loaded.lines.includes(`info: configured by ${bytes} bytes, ${size} of them padding`),
              loaded.lines.join("\n"),
            );
          }
        });

        test("has the arguments, variables and directories that it was granted, by its language's own library", async () => {
          const base = await mkdtemp(join(tmpdir(), "otelwasm-guest-"));
          try {
            for (const name of ["data", "fixed"]) await mkdir(join(base, name));
            await writeFile(join(base, "secret"), "not for guests");
            await writeFile(join(base, "data/target"), "target");
            await symlink("target", join(base, "data/link"));
            await symlink("../secret", join(base, "data/outside"));
            await using loaded = await load(
              { visit: "/data" },
              {
                grants: {
                  args: ["plugin", "--strict"],
                  env: { A: "1", B: "2" },
                  files: [
                    { host: join(base, "data"), guest: "/data", writable: true },
                    { host: join(base, "fixed"), guest: "/fixed", writable: false },
                  ],
                },
              },
            );
            await loaded.plugin.start();
            const seen = loaded.lines.flatMap((line) => /^info: visit: (.*)/.exec(line)?.[1] ?? []);
            assert.deepEqual(seen, [
              "arguments: plugin --strict",
              "variables: A=1 B=2",
              "content: hello world",
              "from 6: world",
              "size: 11",
              "through a link: target",
              "entries: b true, moved false",
              `gone: ${Errno.noent}`,
              `/data/outside: ${Errno.perm}`,
              // Go's library makes one path of the two, Rust's C library hands it on; what is in no directory Rust's answers by itself.
              `/data/../secret: ${toolchain === "go" ? Errno.noent : Errno.perm}`,
              `/etc/passwd: ${toolchain === "go" ? Errno.noent : Errno.notcapable}`,
              `writing in /fixed: ${Errno.rofs}`,
            ]);
            assert.deepEqual((await readdir(join(base, "data"))).sort(), ["link", "outside", "target"]);
            assert.deepEqual(await readdir(join(base, "fixed")), []);
          } finally {
            await rm(base, { recursive: true });
          }
        });

        test("logs on every level, and what it prints is in the log, too", async () => {
          const loaded = await load({ chatty: true });
          await loaded.plugin.start();
          await loaded.plugin.shutdown();
          const levels = ["trace", "debug", "info", "warn", "error"].map((level, index) => `${level}: level ${index}`);
          assert.deepEqual(
            loaded.lines.filter((line) => line.includes(": level ")),
            levels,
          );
          const printed = loaded.lines.filter((line) => line.includes("printed"));
          assert.match(printed[0] ?? "", /: printed$/, loaded.lines.join("\n"));
          assert.match(printed[1] ?? "", /: printed to stderr$/);
          assert.equal(loaded.lines.at(-1), "info: shut down");
        });
      });

    test("has its limit of memory, and its place taken by a new instance when it dies of it", async () => {
      const binary = await readFile(await buildGuest(`${toolchain}-processor`));
      await using plugin = disposable(
        await WasmPlugin.load({
          id: "wasm/small",
          role: "processor",
          signals: ["logs"],
          pluginConfig: { mark: "seen" },
          limits: { memoryBytes: 24 * 1024 * 1024 },
          restart: { initialIntervalMs: 1 },
          binary,
        }),
      );
      await plugin.start();
      await assert.rejects(plugin.consume({ signal: "logs", bytes: new Uint8Array(64 * 1024 * 1024) }), PluginError);
      const bytes = everyField("logs", { unknownFields: false });
      const expected = marked("logs", bytes);
      const results = await plugin.consume({ signal: "logs", bytes });
      assert.deepEqual(decode(requestType.logs, results![0]!), expected);
    });
  });

function disposable(plugin: WasmPlugin): WasmPlugin & AsyncDisposable {
  return Object.assign(plugin, { [Symbol.asyncDispose]: () => plugin.shutdown().catch(() => undefined) });
}
