import assert from "node:assert/strict";
import { closeSync, copyFileSync, openSync, readdirSync, readSync, statSync, truncateSync, writeSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, test } from "node:test";
import { StorageError } from "../../component/storage.ts";
import { bytesOf, folder, keyOf, type Opened, OWNER, open } from "./testing/leases.ts";

const ENTRIES = 400;

async function filled(directory: string): Promise<string> {
  const { store } = await open(directory);
  const client = await store.open(OWNER);
  for (let n = 0; n < ENTRIES; n += 20)
    await client.batch(
      Array.from({ length: 20 }, (_, i) => ({ type: "set" as const, key: keyOf(n + i), value: bytesOf(n + i) })),
    );
  await store.end();
  return join(directory, "otelwasm.db");
}

/** Alters the file, which nothing has open. */
function alter(path: string, position: number, change: (bytes: Buffer) => void, length = 1): void {
  const file = openSync(path, "r+");
  const bytes = Buffer.alloc(length);
  readSync(file, bytes, 0, length, position);
  change(bytes);
  writeSync(file, bytes, 0, length, position);
  closeSync(file);
}

interface Found {
  readonly good: number;
  readonly damaged: number;
}

/** Everything that is there is what was written, or says that it is not. */
async function readAll({ store }: Opened): Promise<Found> {
  const client = await store.open(OWNER);
  let good = 0;
  let damaged = 0;
  for (const { key } of await client.list("", 10_000)) {
    try {
      assert.deepEqual(await client.get(key), bytesOf(Number(key)));
      good++;
    } catch (error) {
      assert.ok(error instanceof StorageError && error.code === "damaged", String(error));
      damaged++;
      // Whoever skips it, can.
      await client.batch([{ type: "delete", key }]);
    }
  }
  await client.batch([{ type: "set", key: "new", value: bytesOf(1) }]);
  assert.deepEqual(await client.get("new"), bytesOf(1));
  await client.close();
  return { good, damaged };
}

describe("a damaged store", () => {
  test("a value that is not what was written is found by its checksum; all others are there", async (t) => {
    const directory = folder(t);
    const path = await filled(directory);
    const db = new DatabaseSync(path);
    db.exec(`UPDATE entries SET value = zeroblob(size) WHERE key = '${keyOf(7)}'`);
    db.close();
    const opened = await open(directory);
    t.after(() => opened.store.end());
    assert.deepEqual(await readAll(opened), { good: ENTRIES - 1, damaged: 1 });
    assert.equal(opened.recoveries.length, 0);
  });

  test("values that changed places are found", async (t) => {
    const directory = folder(t);
    const path = await filled(directory);
    const db = new DatabaseSync(path);
    db.exec(
      `UPDATE entries SET (value, crc) = (SELECT value, crc FROM entries WHERE key = '${keyOf(9)}') WHERE key = '${keyOf(7)}'`,
    );
    db.close();
    const opened = await open(directory);
    t.after(() => opened.store.end());
    assert.deepEqual(await readAll(opened), { good: ENTRIES - 1, damaged: 1 });
  });

  test("bytes that flip anywhere cost the entries that they were in, and the damaged file is kept", async (t) => {
    const directory = folder(t);
    const path = await filled(directory);
    const { size } = statSync(path);
    const lost: number[] = [];
    let recoveries = 0;
    for (let round = 0; round < 16; round++) {
      const copy = folder(t);
      copyFileSync(path, join(copy, "otelwasm.db"));
      // Everywhere but in the first page, a page of each kind among them.
      const page = 1 + ((round * 7919) % (size / 4096 - 1));
      alter(join(copy, "otelwasm.db"), page * 4096, (bytes) => bytes.fill(0xa5), 64);
      const opened = await open(copy);
      const { good } = await readAll(opened);
      lost.push(ENTRIES - good);
      for (const { movedTo, reason } of opened.recoveries) {
        recoveries++;
        assert.match(movedTo, /otelwasm\.db\.damaged-\d{4}-\d\d-\d\dT/);
        assert.ok(statSync(movedTo).size === size, reason);
      }
      await opened.store.end();
    }
    assert.ok(recoveries > 0, "none of the pages mattered");
    // A page has the beginnings of a few entries, or a part of one.
    assert.ok(Math.max(...lost) <= 8, `${lost.join(" ")} of ${ENTRIES} lost`);
  });

  for (const name of ["entries", "entries_by_key"])
    test(`a damaged root of ${name} costs nothing`, async (t) => {
      const directory = folder(t);
      const path = await filled(directory);
      const db = new DatabaseSync(path);
      const root = Number(db.prepare("SELECT rootpage FROM sqlite_schema WHERE name = ?").get(name)?.rootpage);
      db.close();
      alter(path, (root - 1) * 4096, (bytes) => bytes.fill(0xff), 4096);
      const opened = await open(directory);
      t.after(() => opened.store.end());
      assert.equal(opened.recoveries.length, 1);
      assert.deepEqual(await readAll(opened), { good: ENTRIES, damaged: 0 });
    });

  test("without an index and a first page, what was deleted does not come back", async (t) => {
    const directory = folder(t);
    const path = await filled(directory);
    const first = await open(directory);
    const client = await first.store.open(OWNER);
    const few = Array.from({ length: ENTRIES / 4 }, (_, n) => keyOf(n * 3));
    await client.batch(few.map((key) => ({ type: "delete", key })));
    await first.store.end();
    alter(path, 0, (bytes) => bytes.fill(0xff), 4096);
    const opened = await open(directory);
    t.after(() => opened.store.end());
    assert.deepEqual(await readAll(opened), { good: ENTRIES - few.length, damaged: 0 });
  });

  test("a file that is cut off gives what is in the rest; what is lost is known by its key", async (t) => {
    const directory = folder(t);
    const path = await filled(directory);
    truncateSync(path, Math.floor(statSync(path).size / 2 / 4096) * 4096);
    const opened = await open(directory);
    t.after(() => opened.store.end());
    const [recovery] = opened.recoveries;
    assert.ok(recovery !== undefined && recovery.recovered > ENTRIES / 3, JSON.stringify(recovery));
    const found = await readAll(opened);
    assert.equal(found.good, recovery.recovered);
    assert.equal(found.damaged, recovery.lost);
  });

  test("what is in the log only is carried over, too", async (t) => {
    const directory = folder(t);
    const path = await filled(directory);
    const first = await open(directory);
    const client = await first.store.open(OWNER);
    await client.batch([{ type: "set", key: keyOf(ENTRIES), value: bytesOf(ENTRIES) }]);
    // As a process leaves it that is killed.
    const killed = folder(t);
    for (const suffix of ["", "-wal"]) copyFileSync(path + suffix, join(killed, `otelwasm.db${suffix}`));
    await first.store.end();
    const db = new DatabaseSync(path);
    const root = Number(db.prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'entries'").get()?.rootpage);
    db.close();
    alter(join(killed, "otelwasm.db"), (root - 1) * 4096, (bytes) => bytes.fill(0xff), 4096);
    const opened = await open(killed);
    t.after(() => opened.store.end());
    assert.deepEqual(await readAll(opened), { good: ENTRIES + 1, damaged: 0 });
  });

  for (const share of [0.1, 0.5, 0.9])
    test(`a log that is cut off at ${share} of it: what was acknowledged before is there`, async (t) => {
      const directory = folder(t);
      const { store } = await open(directory);
      const client = await store.open(OWNER);
      const log = join(directory, "otelwasm.db-wal");
      const ends: number[] = [];
      for (let n = 0; n < 100; n++) {
        await client.batch([{ type: "set", key: keyOf(n), value: bytesOf(n) }]);
        ends.push(statSync(log).size);
      }
      const killed = folder(t);
      for (const suffix of ["", "-wal"])
        copyFileSync(join(directory, `otelwasm.db${suffix}`), join(killed, `otelwasm.db${suffix}`));
      await store.end();
      const cut = Math.floor(statSync(join(killed, "otelwasm.db-wal")).size * share);
      truncateSync(join(killed, "otelwasm.db-wal"), cut);
      const opened = await open(killed);
      t.after(() => opened.store.end());
      const whole = ends.filter((end) => end <= cut).length;
      assert.deepEqual(await readAll(opened), { good: whole, damaged: 0 });
      assert.ok(whole > 100 * share - 10 && whole < 100 * share + 10);
    });

  test("an empty file is a store without entries", async (t) => {
    const directory = folder(t);
    truncateSync(await filled(directory), 0);
    const opened = await open(directory);
    t.after(() => opened.store.end());
    assert.deepEqual(await readAll(opened), { good: 0, damaged: 0 });
  });

  test("what is no database at all is kept, and the store begins anew", async (t) => {
    const directory = folder(t);
    alter(await filled(directory), 0, (bytes) => bytes.fill(0x20), 4_000_000);
    const opened = await open(directory);
    t.after(() => opened.store.end());
    assert.deepEqual(await readAll(opened), { good: 0, damaged: 0 });
    assert.equal(readdirSync(directory).filter((file) => file.includes(".damaged-")).length, 1);
    assert.ok(!readdirSync(directory).some((file) => file.endsWith("-shm")));
  });
});
