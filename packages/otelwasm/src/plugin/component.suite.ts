/** What a component must be able to do as a plugin, and what a plugin must not, on each engine that runs components. */
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { StatusCode } from "../component/errors.ts";
import { BASIC_CAPABILITIES } from "../runtime/capabilities.ts";
import { capabilitiesOf, type RuntimeConfig } from "../runtime/registry.ts";
import { hasCode } from "../runtime/testing/bench.ts";
import { SIGNALS } from "../telemetry/batch.ts";
import type { PluginOptions } from "./options.ts";
import { failure, inEachIsolation, type Loaded, load, started, THREADS } from "./testing/load.ts";
import { Does, processorComponent, REASON } from "./testing/processor-component.ts";

/** @param options of every test, see `needsEngine` */
export function componentPluginSuite(type: string, options: { skip?: string } = {}): void {
  const runtimeConfig: RuntimeConfig = { type, features: { component_model: true } };

  describe(`${type}: a component as a processor`, options, () => {
    let binary: Uint8Array;
    before(async () => {
      binary = await processorComponent();
    });

    const made = (overrides: Partial<PluginOptions> = {}): Promise<Loaded> =>
      started(binary, { runtimeConfig, ...withoutSource(overrides) });

    inEachIsolation(() => {
      test("start gets the configuration, shutdown is called, lines are logged", async () => {
        const loaded = await made({ pluginConfig: { name: "h\u00e9llo" } });
        assert.deepEqual(loaded.plugin.supportedSignals.toSorted(), ["logs", "metrics", "traces"]);
        assert.deepEqual(await loaded.consume([Does.log, 3, ...Buffer.from("careful")]), [[0]]);
        await loaded.plugin.shutdown();
        assert.deepEqual(loaded.lines, ['info: {"name":"h\u00e9llo"}', "warn: careful", "debug: shut down"]);
      });

      test("without a configuration it is an empty object", async () => {
        await using loaded = await made();
        assert.deepEqual(loaded.lines, ["info: {}"]);
      });

      for (const signal of SIGNALS)
        test(`${signal}: what it gives goes on, in order`, async () => {
          await using loaded = await made({ signals: [signal] });
          assert.deepEqual(await loaded.consume([10, 20, 30], signal), [
            [10, 20, 30],
            [10, 20, 30],
          ]);
        });

      test("nothing given: the batch goes on as it is; an empty list: nothing does", async () => {
        await using loaded = await made();
        const passed = await loaded.consume([Does.pass, 2]);
        assert.ok(passed === undefined || passed[0]?.join() === `${Does.pass},2`);
        assert.deepEqual(await loaded.consume([Does.drop, 2]), []);
      });

      test("an empty batch", async () => {
        await using loaded = await made();
        assert.deepEqual(await loaded.consume([]), [[], []]);
      });

      test("many batches, and large ones", async () => {
        await using loaded = await made();
        const large = Array.from({ length: 200_000 }, (_, at) => (at % 240) + 10);
        for (let round = 0; round < 3; round++) assert.deepEqual(await loaded.consume(large), [large, large]);
        for (let round = 0; round < 200; round++) assert.equal((await loaded.consume([99, round]))?.length, 2);
        assert.equal(loaded.plugin.stats.traps, 0);
      });

      test("what it refuses is permanent where the bytes are at fault, and the instance works on", async () => {
        await using loaded = await made();
        const refused = await failure(loaded.consume([Does.refuse]));
        assert.deepEqual([refused.permanent, refused.status, refused.reason], [true, 2, REASON]);
        assert.equal(refused.code, StatusCode.INVALID_ARGUMENT);
        assert.equal(refused.message, `wasm/test: consume_logs: status 2 (invalid argument): ${REASON}`);
        const failed = await failure(loaded.consume([Does.fail]));
        assert.deepEqual([failed.permanent, failed.status, failed.reason], [false, 1, REASON]);
        assert.equal((await loaded.consume([50]))?.length, 2);
        assert.deepEqual([loaded.plugin.stats.errors, loaded.plugin.stats.restarts], [2, 0]);
      });

      test("a trap costs an instance, and the next one works", async () => {
        await using loaded = await made();
        const trapped = await failure(loaded.consume([Does.trap]));
        assert.match(trapped.message, /^wasm\/test: consume_logs: trapped: unreachable executed/);
        hasCode("unreachable")(trapped.cause);
        assert.equal(trapped.permanent, false);
        assert.equal((await loaded.consume([50]))?.length, 2);
        assert.deepEqual([loaded.plugin.stats.traps, loaded.plugin.stats.restarts], [1, 1]);
      });

      test("memory is limited", async () => {
        await using loaded = await made({ limits: { memoryBytes: 7 * 65536 } });
        assert.deepEqual(await loaded.consume([Does.grow]), [[7, 0, 0, 0]]);
      });

      test("results are limited", async () => {
        await using loaded = await made({ limits: { maxResultBytes: 7 } });
        assert.equal((await loaded.consume([50, 51, 52]))?.length, 2);
        assert.match((await failure(loaded.consume([50, 51, 52, 53]))).message, /results have 8 bytes, more than/);
        assert.equal(loaded.plugin.stats.restarts, 0);
      });

      test("a start that fails says why", async () => {
        await using loaded = await load(binary, { runtimeConfig, pluginConfig: { refuse: 1 } });
        const refused = await failure(loaded.plugin.start());
        assert.equal(refused.message, `wasm/test: start: status 1 (error): ${REASON}`);
      });

      test("what it does not support is refused", async () => {
        const metrics = await processorComponent(1);
        const refused = await failure(load(metrics, { runtimeConfig }));
        assert.match(refused.message, /supports metrics \(get_supported_telemetry\), but it is used for logs/);
      });
    }, THREADS);

    const { isolations } = capabilitiesOf({ type })?.capabilities ?? BASIC_CAPABILITIES;
    if (isolations.includes("process"))
      test("in a process of its own", async () => {
        await using loaded = await made({ isolation: "process", limits: { callTimeoutMs: 500 } });
        assert.deepEqual(await loaded.consume([10, 20]), [
          [10, 20],
          [10, 20],
        ]);
        assert.match((await failure(loaded.consume([Does.trap]))).message, /trapped: unreachable executed/);
        assert.equal((await loaded.consume([50]))?.length, 2);
        assert.match((await failure(loaded.consume([Does.spin]))).message, /ran longer than 500 ms/);
        assert.equal((await loaded.consume([50]))?.length, 2);
      });

    test("a call that does not end is ended, and the next instance works", async () => {
      await using loaded = await made({ isolation: "worker", limits: { callTimeoutMs: 200 } });
      assert.match((await failure(loaded.consume([Does.spin]))).message, /ran longer than 200 ms/);
      assert.equal((await loaded.consume([50]))?.length, 2);
      assert.deepEqual([loaded.plugin.stats.deadlines, loaded.plugin.stats.restarts], [1, 1]);
    });

    test("two instances side by side", async () => {
      await using loaded = await made({ isolation: "worker", instances: 2 });
      const results = await Promise.all(Array.from({ length: 40 }, (_, at) => loaded.consume([at + 10])));
      assert.deepEqual(
        results.map((each) => each?.[0]?.[0]),
        Array.from({ length: 40 }, (_, at) => at + 10),
      );
    });
  });
}

function withoutSource({ path, binary, logger, ...rest }: Partial<PluginOptions>): Parameters<typeof load>[1] {
  assert.deepEqual([path, binary, logger], [undefined, undefined, undefined]);
  return rest;
}
