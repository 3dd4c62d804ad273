import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { needs } from "../../conformance/needs.ts";
import { everyField } from "../../e2e/payload.ts";
import { type Plain, SIGNALS } from "../../e2e/proto.ts";
import {
  attribute,
  documentedConfigs,
  guestWhereExpected,
  list,
  type StartedPlugin,
  startPlugin,
  throughCollector,
} from "../testing.ts";

const RESOURCES = { traces: "resourceSpans", metrics: "resourceMetrics", logs: "resourceLogs" } as const;
const TABLE = { cart: "shopping", 3: "three" };

describe("examples/go-lookup", needs("go"), () => {
  const start = async (config: object): Promise<StartedPlugin> =>
    startPlugin(await guestWhereExpected("go-lookup"), config, SIGNALS);

  /** The resource's attributes of a batch with one resource, as the plugin leaves them. */
  async function looked(config: object, attributes: object): Promise<Plain[][]> {
    await using plugin = await start(config);
    const given = Object.entries(attributes).map(([key, value]) => attribute(key, value));
    const left: Plain[][] = [];
    for (const signal of SIGNALS) {
      const { message } = await plugin.push(signal, { [RESOURCES[signal]]: [{ resource: { attributes: given } }] });
      const [resource] = list(message, RESOURCES[signal]);
      left.push(((resource?.resource as Plain | undefined)?.attributes ?? []) as Plain[]);
    }
    return left;
  }
  const always = (...attributes: object[]): object[][] => SIGNALS.map(() => attributes);
  const plain = (key: string, value: string | number): object =>
    typeof value === "string" ? attribute(key, value) : { key, value: { intValue: String(value) } };

  test("sets what the table has, in every signal", async () => {
    const config = { from: "service.name", to: "team", table: TABLE };
    assert.deepEqual(
      await looked(config, { "service.name": "cart", other: 1 }),
      always(plain("service.name", "cart"), plain("other", 1), plain("team", "shopping")),
    );
    assert.deepEqual(
      await looked(config, { team: "old", "service.name": 3 }),
      always(plain("team", "three"), plain("service.name", 3)),
      "a number as it is written; what was there is replaced",
    );
  });

  test("what the table does not have gets the default, or nothing", async () => {
    const config = { from: "service.name", to: "team", table: TABLE };
    const ads = { "service.name": "ads" };
    assert.deepEqual(await looked(config, ads), always(plain("service.name", "ads")));
    assert.deepEqual(
      await looked({ ...config, default: "" }, ads),
      always(plain("service.name", "ads"), plain("team", "")),
    );
    assert.deepEqual(await looked({ ...config, default: "nobody" }, {}), always(), "no attribute, no look-up");
  });

  test("a batch of which nothing changes passes on byte by byte", async () => {
    await using plugin = await start({ from: "no.such", to: "team", table: TABLE });
    for (const signal of SIGNALS) {
      const pushed = await plugin.push(signal, everyField(signal, { unknownFields: false }));
      assert.equal(pushed.changed, false);
    }
  });

  test("what is wrong with the configuration is named", async () => {
    await assert.rejects(start({}), /from is required.*\n.*to is required.*\n.*table is required/);
    await assert.rejects(start({ from: "a", to: "b", tabel: {} }), /plugin_config: json: unknown field "tabel"/);
    await assert.rejects(start({ from: 1 }), /plugin_config: json: cannot unmarshal number into .*from of type string/);
  });

  test("its README's configurations start, and its config.yaml serves", async () => {
    for (const config of await documentedConfigs(new URL(".", import.meta.url)))
      await (await start(config as object))[Symbol.asyncDispose]();
    const arrived = await throughCollector("go-lookup", "logs", {
      resourceLogs: [
        { resource: { attributes: [attribute("service.name", "search")] }, scopeLogs: [{ logRecords: [{}] }] },
      ],
    });
    const [resource] = list(arrived, "resourceLogs");
    assert.deepEqual(resource?.resource, {
      attributes: [attribute("service.name", "search"), attribute("team", "discovery")],
    });
  });
});
