import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { needs } from "../../conformance/needs.ts";
import { everyField } from "../../e2e/payload.ts";
import { items, type Plain } from "../../e2e/proto.ts";
import {
  documentedConfigs,
  guestWhereExpected,
  list,
  type StartedPlugin,
  startPlugin,
  throughCollector,
} from "../testing.ts";

const MS = 1_000_000;
const BEGIN = 1_700_000_000_000 * MS;

function span(name: string, milliseconds: number, code = 0): object {
  const end = BigInt(BEGIN) + BigInt(milliseconds * MS);
  return { name, startTimeUnixNano: String(BigInt(BEGIN)), endTimeUnixNano: String(end), status: { code } };
}

const traces = (...scopes: object[][]): object => ({
  resourceSpans: scopes.map((spans) => ({ scopeSpans: [{ spans }] })),
});

describe("examples/rust-drop", needs("rust"), () => {
  const start = async (config: object): Promise<StartedPlugin> =>
    startPlugin(await guestWhereExpected("rust-drop"), config, ["traces"]);
  const names = (message: Plain): unknown[] => items("traces", message).map(({ name }) => name);

  test("drops what is named, short and no failure", async () => {
    await using plugin = await start({ names: ["GET /health", "GET /ready"], shorter_than_ms: 100 });
    const pushed = await plugin.push(
      "traces",
      traces(
        [span("GET /health", 99), span("GET /cart", 1), span("GET /health", 100)],
        [span("GET /ready", 0), span("GET /ready", 5, 2), span("GET /health", 5, 1)],
      ),
    );
    assert.deepEqual(names(pushed.message), ["GET /cart", "GET /health", "GET /ready"]);
    await using all = await start({ names: ["GET /health"] });
    assert.deepEqual(names((await all.push("traces", traces([span("GET /health", 1e6), span("a", 1)]))).message), [
      "a",
    ]);
  });

  test("removes what is empty then; where everything is dropped, nothing goes on", async () => {
    await using plugin = await start({ names: ["noise"] });
    const { message } = await plugin.push("traces", traces([span("noise", 1)], [span("kept", 1)]));
    assert.equal(list(message, "resourceSpans").length, 1);
    const none = await plugin.push("traces", traces([span("noise", 1)]));
    assert.deepEqual([none.changed, none.bytes.length], [true, 0]);
  });

  test("a batch of which nothing is dropped passes on byte by byte, with fields that nobody knows", async () => {
    await using plugin = await start({ names: ["noise"] });
    assert.equal((await plugin.push("traces", everyField("traces", { unknownFields: true }))).changed, false);
  });

  test("what is wrong with the configuration is named", async () => {
    await assert.rejects(start({}), /plugin_config: missing field `names`/);
    await assert.rejects(start({ names: [] }), /plugin_config: names is empty/);
    await assert.rejects(start({ names: ["a"], shorter_than: 3 }), /plugin_config: unknown field `shorter_than`/);
  });

  test("its README's configurations start, and its config.yaml serves", async () => {
    for (const config of await documentedConfigs(new URL(".", import.meta.url)))
      await (await start(config as object))[Symbol.asyncDispose]();
    const arrived = await throughCollector(
      "rust-drop",
      "traces",
      traces([span("GET /health", 1), span("GET /cart", 1)]),
    );
    assert.deepEqual(names(arrived), ["GET /cart"]);
  });
});
