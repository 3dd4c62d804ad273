import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Schedule, systemClock, type Timed } from "./schedule.ts";
import { FakeClock } from "./testing/clock.ts";

class Entry implements Timed {
  dueAt = 0;
  place = -1;
  readonly name: number;
  readonly #due: (entry: Entry) => void;

  constructor(name: number, due: (entry: Entry) => void) {
    this.name = name;
    this.#due = due;
  }

  onDue(): void {
    this.#due(this);
  }
}

test("any adding, removing and waiting: each is due in its time, in order, once, behind one timer", async () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant("add" as const), delay: fc.integer({ min: 0, max: 50 }) }),
    fc.record({ do: fc.constant("remove" as const), which: fc.nat() }),
    fc.record({ do: fc.constant("wait" as const), ms: fc.integer({ min: 0, max: 30 }) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const clock = new FakeClock();
      const schedule = new Schedule(clock);
      const due: [name: number, at: number][] = [];
      const expected = new Map<number, number>();
      const entries: Entry[] = [];
      for (const one of steps) {
        if (one.do === "add") {
          const entry = new Entry(entries.length, ({ name }) => due.push([name, clock.now()]));
          entries.push(entry);
          schedule.add(entry, one.delay);
          expected.set(entry.name, clock.now() + one.delay);
        } else if (one.do === "remove" && entries.length > 0) {
          const entry = entries[one.which % entries.length]!;
          const was = expected.has(entry.name) && !due.some(([name]) => name === entry.name);
          assert.equal(schedule.remove(entry), was);
          if (was) expected.delete(entry.name);
        } else if (one.do === "wait") await clock.advance(one.ms);
        assert.ok(clock.timers <= 1);
      }
      await clock.advance(100);
      assert.deepEqual(new Map(due), expected);
      assert.equal(due.length, expected.size);
      assert.deepEqual(
        due.map(([, at]) => at),
        due.map(([, at]) => at).toSorted((a, b) => a - b),
      );
      assert.deepEqual([schedule.size, clock.timers], [0, 0]);
    }),
    { numRuns: 200 },
  );
});

test("what is due at once, again and again, leaves the others their turn", async () => {
  const schedule = new Schedule(systemClock);
  let turns = 0;
  const again = new Entry(0, (entry) => {
    turns++;
    schedule.add(entry, 0);
  });
  schedule.add(again, 0);
  const { promise, resolve } = Promise.withResolvers<void>();
  setTimeout(resolve, 20);
  await promise;
  assert.ok(turns > 0);
  schedule.close();
});
