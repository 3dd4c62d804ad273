import assert from "node:assert/strict";
import { test } from "node:test";
import { type Deadline, Deadlines } from "./deadlines.ts";

function entry(name: string, called: string[]): Deadline {
  return { deadlineAt: 0, deadlineIndex: -1, onDeadline: () => called.push(name) };
}

test("calls what is due, once, and leaves the rest", (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  let now = 0;
  t.mock.method(performance, "now", () => now);
  const called: string[] = [];
  const deadlines = new Deadlines();
  const [a, b, c, d] = ["a", "b", "c", "d"].map((name) => entry(name, called));
  deadlines.add(a!, 100);
  deadlines.add(b!, 10);
  deadlines.add(c!, 15);
  deadlines.add(d!, 500);
  deadlines.remove(c!);
  deadlines.remove(c!);
  assert.equal(deadlines.size, 3);
  now = 20;
  t.mock.timers.tick(20);
  assert.deepEqual(called, ["b"]);
  now = 120;
  t.mock.timers.tick(20);
  assert.deepEqual(called, ["b", "a"]);
  assert.equal(deadlines.size, 1);
  now = 600;
  t.mock.timers.tick(20);
  assert.deepEqual(called, ["b", "a", "d"]);
  t.mock.timers.tick(200);
  deadlines.add(a!, 10);
  now = 700;
  t.mock.timers.tick(20);
  assert.deepEqual(called, ["b", "a", "d", "a"], "starts again after the timer has stopped");
});

test("an entry may remove others when it is called", (t) => {
  t.mock.timers.enable({ apis: ["setInterval"] });
  let now = 0;
  t.mock.method(performance, "now", () => now);
  const called: string[] = [];
  const deadlines = new Deadlines();
  const others = ["a", "b", "c"].map((name) => entry(name, called));
  for (const other of others) deadlines.add(other, 10);
  deadlines.add(
    {
      deadlineAt: 0,
      deadlineIndex: -1,
      onDeadline() {
        called.push("all");
        for (const other of others) deadlines.remove(other);
      },
    },
    10,
  );
  now = 11;
  t.mock.timers.tick(20);
  assert.deepEqual(called, ["all"]);
  assert.equal(deadlines.size, 0);
});
