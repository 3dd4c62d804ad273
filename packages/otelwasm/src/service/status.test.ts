import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ComponentHealth } from "../component/health.ts";
import { LineLogger } from "../plugin/testing/guests.ts";
import { InstanceStatus, type Place, StatusBoard } from "./status.ts";

const PLACE: Place = { kind: "processor", id: "wasm/a", signal: "logs", pipeline: "logs" };

function instance(): { status: InstanceStatus; seen: string[]; log: LineLogger } {
  const seen: string[] = [];
  const log = new LineLogger();
  const status = new InstanceStatus(PLACE, log, (health) => {
    seen.push(health.error === undefined ? health.status : `${health.status}: ${health.error}`);
  });
  return { status, seen, log };
}

describe("the status of one component", () => {
  test("a life without trouble", async () => {
    const { status, seen, log } = instance();
    assert.equal(status.health.status, "None");
    await status.whileStarting(async () => {});
    assert.deepEqual({ ...status.health, since: 0 }, { ...PLACE, status: "OK", since: 0 });
    await status.whileStopping(async () => {});
    assert.deepEqual(seen, ["Starting", "OK", "Stopping", "Stopped"]);
    assert.deepEqual(log.lines, []);
  });

  test("a start or shutdown that fails is a permanent error, and is thrown on", async () => {
    const { status, seen } = instance();
    const failing = async (): Promise<void> => {
      throw new Error("no port");
    };
    await assert.rejects(status.whileStarting(failing), /no port/);
    await assert.rejects(status.whileStopping(failing), /no port/);
    assert.deepEqual(seen, ["Starting", "PermanentError: no port", "Stopping", "PermanentError: no port"]);
  });

  test("what the component says during its start stands", async () => {
    const { status } = instance();
    await status.whileStarting(async () => status.report({ status: "RecoverableError", error: "not yet" }));
    assert.equal(status.health.status, "RecoverableError");
  });

  test("goes back and forth, says each change once, and has no error when it works", async () => {
    const { status, seen, log } = instance();
    await status.whileStarting(async () => {});
    status.report({ status: "OK" });
    status.report({ status: "RecoverableError", error: "a" });
    status.report({ status: "RecoverableError", error: "a" });
    status.report({ status: "RecoverableError", error: "b" });
    status.report({ status: "OK" });
    status.report({ status: "PermanentError", error: "c" });
    status.report({ status: "OK" });
    assert.deepEqual(seen.slice(2), ["RecoverableError: a", "RecoverableError: b", "OK", "PermanentError: c"]);
    assert.deepEqual(log.lines, [
      "warn: The component does not work, and tries to",
      "info: The component works again",
      "error: The component does not work any more",
    ]);
    assert.deepEqual(log.attributes, [{ error: "a" }, undefined, { error: "c", status: "PermanentError" }]);
  });

  test("what the component logs itself is logged at debug level", async () => {
    const { status, log } = instance();
    await status.whileStarting(async () => {});
    status.report({ status: "RecoverableError", error: "a", logged: true });
    assert.deepEqual([log.lines, log.attributes], [["debug: Component status: RecoverableError"], [{ error: "a" }]]);
  });

  test("nothing is heard of it before it starts and after it was asked to stop", async () => {
    const { status, seen } = instance();
    status.report({ status: "OK" });
    await status.whileStopping(async () => status.report({ status: "PermanentError", error: "too late" }));
    status.report({ status: "OK" });
    assert.deepEqual(seen, ["Stopping", "Stopped"]);
  });
});

describe("the status of all", () => {
  function board() {
    const all = new StatusBoard();
    const log = new LineLogger();
    const add = (place: Place) => all.add(place, log);
    const receiver = add({ kind: "receiver", id: "in", signal: "logs" });
    const exporter = add({ kind: "exporter", id: "out", signal: "logs" });
    const other = add({ kind: "exporter", id: "other", signal: "logs" });
    const extension = add({ kind: "extension", id: "ext" });
    const pipelines = new Map([
      ["logs", [receiver, exporter]],
      ["logs/2", [receiver, other]],
    ]);
    all.show({ extensions: [extension], pipelines });
    return { all, log, receiver, exporter, other, extension };
  }
  const work = async (): Promise<void> => {};

  test("each pipeline has its own; what they share is in both; the whole has extensions, too", async () => {
    const { all, receiver, exporter, other, extension } = board();
    const statuses = () => {
      const { status, pipelines, extensions } = all.health();
      return [status, ...Object.values(pipelines).map((each) => each.status), ...extensions.map((each) => each.status)];
    };
    assert.deepEqual(statuses(), ["None", "None", "None", "None"]);
    for (const each of [extension, exporter, other]) await each.whileStarting(work);
    assert.deepEqual(statuses(), ["Starting", "Starting", "Starting", "OK"]);
    await receiver.whileStarting(work);
    assert.deepEqual(statuses(), ["OK", "OK", "OK", "OK"]);
    exporter.report({ status: "RecoverableError", error: "a" });
    assert.deepEqual(statuses(), ["RecoverableError", "RecoverableError", "OK", "OK"]);
    extension.report({ status: "PermanentError", error: "b" });
    assert.deepEqual(statuses(), ["PermanentError", "RecoverableError", "OK", "PermanentError"]);
    const ids = Object.values(all.health().pipelines).map(({ components }) => components.map(({ id }) => id));
    assert.deepEqual(ids, [
      ["in", "out"],
      ["in", "other"],
    ]);
  });

  test("listeners hear of changes until they end; one that fails does not keep the others from it", async () => {
    const { all, log, exporter } = board();
    const heard: ComponentHealth[] = [];
    all.listen(() => {
      throw new Error("deaf");
    });
    const end = all.listen((health) => heard.push(health));
    await exporter.whileStarting(work);
    end();
    exporter.report({ status: "PermanentError", error: "x", logged: true });
    assert.deepEqual(
      heard.map(({ id, status }) => [id, status]),
      [
        ["out", "Starting"],
        ["out", "OK"],
      ],
    );
    assert.deepEqual(log.lines.slice(0, 2), Array(2).fill("error: A listener of the status failed"));
    assert.equal(all.health().pipelines.logs?.components[1]?.status, "PermanentError");
  });
});
