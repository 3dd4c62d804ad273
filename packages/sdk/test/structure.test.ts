import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { batch } from "./arbitrary.ts";
import { instantiate } from "./harness.ts";
import { LogsData } from "./otlp.ts";
import { type Decoded, decodeReference } from "./reference.ts";

type Change = (logs: Decoded) => void;

const list = (message: Decoded, name: string): Decoded[] => (message[name] ?? []) as Decoded[];
const severity = (record: Decoded): number => (record.severityNumber as number | undefined) ?? 0;

/** Leaves a list out that has become empty: that is how the wire has it. */
function set(message: Decoded, name: string, items: Decoded[]): void {
  if (items.length === 0) delete message[name];
  else message[name] = items;
}

function eachScope(logs: Decoded, change: (scope: Decoded, resource: Decoded) => void): void {
  for (const resource of list(logs, "resourceLogs"))
    for (const scope of list(resource, "scopeLogs")) change(scope, resource);
}

const changeRecords =
  (change: (records: Decoded[]) => Decoded[]): Change =>
  (logs) =>
    eachScope(logs, (scope) => set(scope, "logRecords", change(list(scope, "logRecords"))));

function changeAttributes(holder: Decoded): void {
  const key = (entry: Decoded): unknown => entry.key ?? "";
  const value = (entry: Decoded): Decoded => (entry.value ?? {}) as Decoded;
  const kept = list(holder, "attributes").filter((entry) => key(entry) !== "a");
  for (const entry of kept) {
    const text = value(entry).stringValue;
    if (typeof text === "string") value(entry).stringValue = text.toUpperCase();
  }
  const left = kept.filter((entry) => value(entry).intValue === undefined && key(entry) !== "service.name");
  const known = left.find((entry) => key(entry) === "é");
  if (known === undefined) left.push({ key: "é", value: { doubleValue: 0.5 } });
  else {
    const before = value(known);
    known.value = {
      ...(before.$unknown === undefined ? {} : { $unknown: before.$unknown }),
      doubleValue: 0.5,
    };
  }
  holder.attributes = left;
}

/** Replaces the known members of a value and keeps fields that nobody knows. */
function putValue(holder: Decoded, key: string, value: Decoded): void {
  const attributes = list(holder, "attributes");
  holder.attributes = attributes;
  const entry = attributes.find((each) => (each.key ?? "") === key);
  if (entry === undefined) attributes.push(key === "" ? { value } : { key, value });
  else {
    const unknown = (entry.value as Decoded | undefined)?.$unknown;
    entry.value = unknown === undefined ? value : { ...value, $unknown: unknown };
  }
}

const CHANGES: Record<string, Change> = {
  filter: (logs) => {
    for (const resource of list(logs, "resourceLogs")) {
      const scopes = list(resource, "scopeLogs");
      for (const scope of scopes)
        set(
          scope,
          "logRecords",
          list(scope, "logRecords").filter((record) => severity(record) >= 3),
        );
      set(
        resource,
        "scopeLogs",
        scopes.filter((scope) => scope.logRecords !== undefined),
      );
    }
  },
  filterIf: changeRecords((records) => records.filter((record) => severity(record) >= 3)),
  append: changeRecords((records) => {
    const after = [
      ...records,
      {
        severityText: "new",
        body: { arrayValue: { values: [{ intValue: -1n }] } },
        attributes: [
          { key: "map", value: { kvlistValue: { values: [{ key: "inner", value: { stringValue: "text" } }] } } },
        ],
      },
    ];
    const first: Decoded | undefined = after[0];
    if (first !== undefined) first.droppedAttributesCount = after.length;
    return after;
  }),
  copy: changeRecords((records) => [
    ...records,
    ...records.map((record) => ({ ...structuredClone(record), eventName: "copy" })),
  ]),
  put: changeRecords((records) => {
    for (const record of records) {
      putValue(record, "a", { stringValue: "new text" });
      putValue(record, "marked", { intValue: -2n });
      putValue(record, "service.name", { doubleValue: 2.5 });
      putValue(record, "é", { boolValue: true });
      putValue(record, "", { bytesValue: "00ff" });
      putValue(record, "copy", { stringValue: record.severityText ?? "" });
      putValue(record, "list", { arrayValue: { values: [{ stringValue: "item" }] } });
      putValue(record, "a", { stringValue: "newer text" });
    }
    return records;
  }),
  copyValue: changeRecords((records) => {
    for (const record of records) {
      const entry = list(record, "attributes").find((each) => each.key === "a");
      if (entry !== undefined) record.body = structuredClone(entry.value ?? {});
    }
    return records;
  }),
  reverse: changeRecords((records) => [...records].reverse()),
  route: (logs) => {
    const moved: Decoded[] = [];
    eachScope(logs, (scope) => {
      moved.push(...list(scope, "logRecords").filter((record) => severity(record) >= 100));
      set(
        scope,
        "logRecords",
        list(scope, "logRecords").filter((record) => severity(record) < 100),
      );
    });
    const scope: Decoded = {};
    set(scope, "logRecords", moved);
    const errors: Decoded = {
      resource: { attributes: [{ key: "errors", value: { boolValue: true } }] },
      scopeLogs: [scope],
    };
    logs.resourceLogs = [...list(logs, "resourceLogs"), errors];
  },
  drop: (logs) => set(logs, "resourceLogs", []),
  attributes: (logs) => {
    for (const resource of list(logs, "resourceLogs")) {
      for (const scope of list(resource, "scopeLogs")) {
        resource.resource ??= {};
        changeAttributes(resource.resource as Decoded);
        for (const record of list(scope, "logRecords")) changeAttributes(record);
      }
    }
  },
};

for (const [operation, change] of Object.entries(CHANGES)) {
  test(`${operation} of whole messages gives what protobuf's rules say`, async () => {
    const guest = await instantiate("structure", JSON.stringify({ operation }));
    assert.equal(guest.start().status, 0);
    fc.assert(
      fc.property(batch(LogsData), (bytes) => {
        const expected = decodeReference(LogsData, bytes);
        change(expected);
        const { status, reason, result } = guest.consume("logs", bytes);
        assert.equal(status, 0, reason);
        assert.deepEqual(decodeReference(LogsData, result ?? bytes), expected);
      }),
      { numRuns: 200 },
    );
  });
}

test("a batch that is only read is not answered, whatever it is made of", async () => {
  const guest = await instantiate("structure", '{"operation":"read"}');
  assert.equal(guest.start().status, 0);
  fc.assert(
    fc.property(batch(LogsData), (bytes) => {
      assert.deepEqual(guest.consume("logs", bytes), { status: 0, reason: "", result: undefined });
    }),
    { numRuns: 200 },
  );
});
test("a batch of which nothing is left is answered by an empty result", async () => {
  const guest = await instantiate("structure", '{"operation":"drop"}');
  guest.start();
  const bytes = LogsData.encode({ resourceLogs: [{}] }).finish();
  assert.deepEqual(guest.consume("logs", bytes), { status: 0, reason: "", result: new Uint8Array(0) });
});
