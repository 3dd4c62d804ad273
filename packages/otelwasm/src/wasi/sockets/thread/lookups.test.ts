import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { MessageChannel } from "node:worker_threads";
import { Errno } from "../../errno.ts";
import { type Event, type Request, Shared } from "../protocol.ts";
import { GuestSockets } from "./guest.ts";
import { type Lookup, Lookups } from "./lookups.ts";

/** A resolver that answers when the test does. */
function slowNames(): { readonly lookup: Lookup; readonly asked: string[]; answer(name: string): Promise<void> } {
  const asked: string[] = [];
  const answers = new Map<string, () => void>();
  return {
    asked,
    lookup: (name) => {
      asked.push(name);
      return new Promise((resolve) => answers.set(name, () => resolve([`of ${name}`])));
    },
    answer: async (name) => {
      answers.get(name)?.();
      // Whoever hears of it does so in microtasks.
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

const isAgain = { code: "EAI_AGAIN" };

test("two at a time, in the order in which guests asked", async () => {
  const { lookup, asked, answer } = slowNames();
  const lookups = new Lookups(lookup);
  const found = ["a", "b", "c", "d"].map((name) => lookups.resolve({}, name, 0));
  assert.deepEqual(asked, ["a", "b"]);
  await answer("b");
  assert.deepEqual(asked, ["a", "b", "c"]);
  await answer("a");
  await answer("c");
  await answer("d");
  assert.deepEqual(await Promise.all(found), [["of a"], ["of b"], ["of c"], ["of d"]]);
});

test("one guest has one at a time, and the last that it asked for", async () => {
  const { lookup, asked, answer } = slowNames();
  const lookups = new Lookups(lookup);
  const guest = {};
  const given = [lookups.resolve(guest, "first", 0), lookups.resolve(guest, "second", 0)];
  for (const one of given) one.catch(() => {});
  const last = lookups.resolve(guest, "third", 0);
  const other = lookups.resolve({}, "other", 0);
  for (const one of given) await assert.rejects(one, isAgain);
  assert.deepEqual(asked, ["first", "other"]);
  await answer("first");
  assert.deepEqual(asked, ["first", "other", "third"]);
  await answer("third");
  await answer("other");
  assert.deepEqual([await last, await other], [["of third"], ["of other"]]);
});

test("those that wait are bounded, and those of a guest that ended are not looked up", async () => {
  const { lookup, asked, answer } = slowNames();
  const lookups = new Lookups(lookup);
  const guests = Array.from({ length: 66 }, () => ({}));
  const all = guests.map((guest, i) => lookups.resolve(guest, `name ${i}`, 0));
  for (const one of all) one.catch(() => {});
  await assert.rejects(lookups.resolve({}, "one more", 0), isAgain);
  for (const guest of guests.slice(2)) lookups.drop(guest);
  for (const one of all.slice(2)) await assert.rejects(one, isAgain);
  await answer("name 0");
  await answer("name 1");
  assert.deepEqual(await Promise.all(all.slice(0, 2)), [["of name 0"], ["of name 1"]]);
  assert.deepEqual(asked, ["name 0", "name 1"]);
});

test("a name that fails makes room, too", async () => {
  const lookups = new Lookups((name) => Promise.reject(new Error(name)));
  await Promise.all(["a", "b", "c"].map((name) => assert.rejects(lookups.resolve({}, name, 0), { message: name })));
});

test("what a guest asks goes through them, and what it asked is dropped when its sockets are closed", async () => {
  const { lookup, asked, answer } = slowNames();
  const { port1, port2 } = new MessageChannel();
  const cells = new Int32Array(new SharedArrayBuffer(Object.keys(Shared).length * 4));
  const link = { port: port2, cells, wake: new Int32Array(new SharedArrayBuffer(4)) };
  const guest = new GuestSockets(link, new Lookups(lookup));
  const ask = (request: Request): void => port1.postMessage(request);
  const heard: Event[] = [];
  port1.on("message", (event: Event) => heard.push(event));
  ask({ op: "resolve", request: 1, name: "one", family: 0 });
  ask({ op: "resolve", request: 2, name: "two", family: 0 });
  while (heard.length < 1) await once(port1, "message");
  await answer("one");
  ask({ op: "reset", request: 3 });
  while (heard.length < 3) await once(port1, "message");
  assert.deepEqual(asked, ["one", "two"]);
  assert.deepEqual(
    new Map(heard.map((event) => [event.event === "reply" ? event.request : 0, "errno" in event ? event.errno : 0])),
    new Map([
      [1, Errno.io],
      [2, Errno.io],
      [3, Errno.success],
    ]),
  );
  await guest.end();
  port1.close();
});
