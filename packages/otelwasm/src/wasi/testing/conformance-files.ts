/** The part of the suite about files. */
import assert from "node:assert/strict";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type Subject, sandbox } from "./bench.ts";
import { ALL_RIGHTS, answers, errnoOf, Oflag, READ, type WasiGuest, WRITE } from "./guest.ts";
import { RESULT } from "./signatures.ts";

const DATA = 3;
const Fdflag = { append: 1, dsync: 2, nonblock: 4, rsync: 8, sync: 16 } as const;
const FILE = 4;

export function fileTests(subject: () => Subject): void {
  test("what is written is there, for the guest and for the host", async () => {
    await using box = await sandbox(subject());
    const { guest, host } = box;
    const fd = guest.create(DATA, "a", "hello world");
    assert.equal(guest.seek(fd, 0n, 0), 0n);
    assert.equal(guest.read(fd, 5), "hello");
    assert.equal(guest.read(fd, 100), " world");
    assert.equal(guest.read(fd, 100), "");
    guest.call("fd_close", fd);
    assert.equal(readFileSync(join(host, "a"), "utf8"), "hello world");
    assert.equal(guest.readFile(DATA, "a"), "hello world");
  });

  test("reads into several buffers, writes from several", async () => {
    await using box = await sandbox(subject());
    const { guest } = box;
    const fd = guest.create(DATA, "a");
    guest.call("fd_write", fd, ...guest.list([guest.text("ab"), [0, 0], guest.text("cde")]), RESULT);
    assert.equal(guest.u32(), 5);
    guest.seek(fd, 0n, 0);
    guest.call(
      "fd_read",
      fd,
      ...guest.list([
        [70_000, 1],
        [80_000, 3],
        [90_000, 9],
      ]),
      RESULT,
    );
    assert.equal(guest.u32(), 5);
    const at = (pointer: number, size: number): string => Buffer.from(guest.memory.read(pointer, size)).toString();
    assert.deepEqual([at(70_000, 2), at(80_000, 4), at(90_000, 2)], ["a\0", "bcd\0", "e\0"]);
  });

  test("buffers that overlap are filled one after the other", async () => {
    await using box = await sandbox(subject());
    const { guest } = box;
    const fd = guest.create(DATA, "a", "abcdef");
    guest.seek(fd, 0n, 0);
    guest.call(
      "fd_read",
      fd,
      ...guest.list([
        [70_000, 3],
        [70_001, 3],
      ]),
      RESULT,
    );
    assert.equal(guest.u32(), 6);
    assert.equal(Buffer.from(guest.memory.read(70_000, 4)).toString(), "adef");
  });

  test("pread and pwrite leave the position", async () => {
    await using box = await sandbox(subject());
    const { guest } = box;
    const fd = guest.create(DATA, "a", "0123456789");
    assert.equal(guest.pwrite(fd, "xy", 4n), 2);
    assert.equal(guest.pread(fd, 3n, 4), "3xy6");
    assert.equal(guest.pread(fd, 100n, 4), "");
    assert.equal(guest.pread(fd, 2n ** 63n - 1n, 4), "");
    assert.equal(guest.seek(fd, 0n, 1), 10n);
    guest.call("fd_tell", fd, RESULT);
    assert.equal(guest.u64(), 10n);
    answers(guest, [[() => guest.pwrite(fd, "x", 2n ** 63n), "fbig"]]);
  });

  test("seeking: from the start, from here, from the end, beyond it, and not before the start", async () => {
    await using box = await sandbox(subject());
    const { guest } = box;
    const fd = guest.create(DATA, "a", "0123456789");
    assert.equal(guest.seek(fd, -4n, 2), 6n);
    assert.equal(guest.read(fd, 2), "67");
    assert.equal(guest.seek(fd, -3n, 1), 5n);
    assert.equal(guest.seek(fd, 20n, 0), 20n);
    assert.equal(guest.read(fd), "");
    guest.write(fd, "!");
    assert.equal(guest.fstat(fd).size, 21n);
    answers(guest, [
      [() => guest.seek(fd, -1n, 0), "inval"],
      [() => guest.seek(fd, -22n, 1), "inval"],
      [() => guest.seek(fd, -22n, 2), "inval"],
      [() => guest.seek(fd, 2n ** 63n - 1n, 1), "inval"],
      [() => guest.seek(fd, 0n, 3), "inval"],
    ]);
    assert.equal(guest.seek(fd, 0n, 1), 21n);
  });

  test("what is appended goes to the end, whoever else writes there", async () => {
    await using box = await sandbox(subject());
    const { guest, host } = box;
    const fd = guest.create(DATA, "a", "one", { fdflags: Fdflag.append });
    assert.equal(guest.fdstat(fd).flags, Fdflag.append);
    writeFileSync(join(host, "a"), "by the host,", { flag: "a" });
    guest.seek(fd, 0n, 0);
    guest.write(fd, "two");
    assert.equal(guest.seek(fd, 0n, 1), 18n);
    assert.equal(readFileSync(join(host, "a"), "utf8"), "oneby the host,two");
  });

  test("appending can be begun and ended on an open file", {
    skip: process.platform === "linux" ? false : "only Linux can open a file anew by its descriptor",
  }, async () => {
    await using box = await sandbox(subject());
    const { guest, host } = box;
    const fd = guest.create(DATA, "a", "0123");
    guest.call("fd_fdstat_set_flags", fd, Fdflag.append | Fdflag.nonblock);
    assert.equal(guest.fdstat(fd).flags, Fdflag.append | Fdflag.nonblock);
    guest.seek(fd, 0n, 0);
    guest.write(fd, "4");
    guest.call("fd_fdstat_set_flags", fd, 0);
    guest.seek(fd, 0n, 0);
    guest.write(fd, "x");
    assert.equal(readFileSync(join(host, "a"), "utf8"), "x1234");
  });

  test("flags of path_open: create, exclusive, truncate, directory", async () => {
    await using box = await sandbox(subject());
    const { guest, host } = box;
    guest.call("fd_close", guest.create(DATA, "a", "content"));
    guest.mkdir(DATA, "dir");
    const { creat, directory, excl, trunc } = Oflag;
    answers(guest, [
      [(g) => g.open(DATA, "missing"), "noent"],
      [(g) => g.open(DATA, "a", { oflags: creat | excl }), "exist"],
      [(g) => g.open(DATA, "dir", { oflags: creat | excl }), "exist"],
      [(g) => g.open(DATA, "new", { oflags: creat | excl }), "success"],
      [(g) => g.open(DATA, "a", { oflags: creat }), "success"],
      [(g) => g.open(DATA, "a", { oflags: excl }), "success"],
      [(g) => g.open(DATA, "a", { oflags: directory }), "notdir"],
      [(g) => g.open(DATA, "dir", { oflags: directory }), "success"],
      [(g) => g.open(DATA, "dir", { rights: READ | WRITE }), "isdir"],
      [(g) => g.open(DATA, "dir", { oflags: trunc }), "isdir"],
      [(g) => g.open(DATA, "dir", { oflags: creat }), "isdir"],
      [(g) => g.open(DATA, "dir", { oflags: creat | directory }), "inval"],
      [(g) => g.open(DATA, "newer/", { oflags: creat }), "isdir"],
      [(g) => g.open(DATA, "a", { oflags: 16 }), "inval"],
      [(g) => g.open(DATA, "a", { fdflags: 32 }), "inval"],
      [(g) => g.open(DATA, "a", { lookup: 2 }), "inval"],
      [(g) => g.open(1, "a"), "notdir"],
      [(g) => g.open(99, "a"), "badf"],
    ]);
    assert.equal(guest.readFile(DATA, "a"), "content");
    guest.open(DATA, "a", { oflags: trunc, rights: 0n });
    assert.equal(statSync(join(host, "a")).size, 0);
    assert.ok(!existsSync(join(host, "newer")));
  });

  test("a descriptor does what it was opened for, and says what that is", async () => {
    await using box = await sandbox(subject());
    const { guest } = box;
    guest.create(DATA, "a", "content");
    const reader = guest.open(DATA, "a", { rights: READ });
    const writer = guest.open(DATA, "a", { rights: WRITE });
    assert.deepEqual(guest.fdstat(reader), { filetype: FILE, flags: 0, rights: READ, inheriting: 0n });
    assert.equal(guest.read(reader), "content");
    guest.write(writer, "C");
    answers(guest, [
      [(g) => g.write(reader, "x"), "badf"],
      [(g) => g.read(writer), "badf"],
      [(g) => g.pread(writer, 0n), "badf"],
      [(g) => g.pwrite(reader, "x", 0n), "badf"],
      [(g) => g.seek(reader, 1n, 0), "notcapable"],
      [(g) => g.fstat(reader), "notcapable"],
      [(g) => g.call("fd_sync", reader), "notcapable"],
      [(g) => g.call("fd_filestat_set_size", writer, 0n), "notcapable"],
      [(g) => g.call("fd_filestat_set_times", reader, 0n, 0n, 0), "notcapable"],
    ]);
  });

  test("what a directory does not pass on cannot be had below it", async () => {
    await using box = await sandbox(subject());
    const { guest } = box;
    guest.create(DATA, "a", "content");
    guest.mkdir(DATA, "dir");
    const dir = guest.open(DATA, "dir", { oflags: Oflag.directory, rights: ALL_RIGHTS, inheriting: READ });
    const { rights } = guest.fdstat(dir);
    answers(guest, [
      [(g) => g.open(dir, "x", { oflags: Oflag.creat, rights: WRITE }), "notcapable"],
      [(g) => g.open(dir, "x", { oflags: Oflag.creat, rights: READ }), "success"],
    ]);
    assert.equal(guest.fdstat(guest.open(dir, "x", { rights: READ | (1n << 21n) })).rights, READ);
    for (const [bit, call] of [
      [9n, (g: WasiGuest) => g.mkdir(dir, "y")],
      [10n, (g: WasiGuest) => g.open(dir, "y", { oflags: Oflag.creat })],
      [13n, (g: WasiGuest) => g.open(dir, "x")],
      [14n, (g: WasiGuest) => g.readdir(dir)],
      [15n, (g: WasiGuest) => g.readlink(dir, "x")],
      [18n, (g: WasiGuest) => g.stat(dir, "x")],
      [19n, (g: WasiGuest) => g.open(dir, "x", { oflags: Oflag.trunc })],
      [20n, (g: WasiGuest) => g.setTimes(dir, "x", 0n, 0n, 0)],
      [24n, (g: WasiGuest) => g.symlink("x", dir, "y")],
      [25n, (g: WasiGuest) => g.rmdir(dir, "x")],
      [26n, (g: WasiGuest) => g.unlink(dir, "x")],
      [11n, (g: WasiGuest) => g.link(dir, "x", DATA, "y")],
      [12n, (g: WasiGuest) => g.link(DATA, "a", dir, "y")],
      [16n, (g: WasiGuest) => g.rename(dir, "x", DATA, "y")],
      [17n, (g: WasiGuest) => g.rename(DATA, "a", dir, "y")],
    ] as const) {
      const narrowed = guest.openDirectory(DATA, "dir");
      guest.call(
        "fd_fdstat_set_rights",
        narrowed,
        rights & ~(1n << bit),
        ALL_RIGHTS & guest.fdstat(narrowed).inheriting,
      );
      guest.call("fd_renumber", narrowed, dir);
      answers(guest, [[call, "notcapable"]]);
    }
  });

  test("sizes: grow with zeros, shrink, and room is made", async () => {
    await using box = await sandbox(subject());
    const { guest } = box;
    const fd = guest.create(DATA, "a", "0123456789");
    guest.call("fd_filestat_set_size", fd, 4n);
    guest.call("fd_filestat_set_size", fd, 6n);
    assert.equal(guest.pread(fd, 0n), "0123\0\0");
    guest.call("fd_allocate", fd, 2n, 2n);
    assert.equal(guest.fstat(fd).size, 6n);
    guest.call("fd_allocate", fd, 4n, 10n);
    assert.equal(guest.fstat(fd).size, 14n);
    answers(guest, [
      [(g) => g.call("fd_allocate", fd, 0n, 0n), "inval"],
      [(g) => g.call("fd_allocate", fd, -1n, 1n), "fbig"],
      [(g) => g.call("fd_filestat_set_size", fd, -1n), "fbig"],
      [(g) => g.call("fd_allocate", 1, 0n, 1n), "spipe"],
      [(g) => g.call("fd_filestat_set_size", 1, 1n), "inval"],
    ]);
  });

  test("times: set, left, now; both at once is inval", async () => {
    await using box = await sandbox(subject());
    const { guest } = box;
    const fd = guest.create(DATA, "a");
    const second = 1_000_000_000n;
    guest.call("fd_filestat_set_times", fd, 5n * second, 7n * second, 1 | 4);
    assert.deepEqual([guest.fstat(fd).atim, guest.fstat(fd).mtim], [5n * second, 7n * second]);
    guest.setTimes(DATA, "a", 9n * second, 9n * second, 4);
    assert.deepEqual([guest.fstat(fd).atim, guest.fstat(fd).mtim], [5n * second, 9n * second]);
    guest.call("fd_filestat_set_times", fd, 0n, 0n, 2 | 8);
    assert.ok(guest.fstat(fd).mtim > 1_700_000_000n * second);
    // Seconds with a fraction are what Node.js takes: of a time of today that keeps less than a microsecond.
    const precise = 1_700_000_000_123_456_789n;
    guest.setTimes(DATA, "a", precise, precise, 1 | 4);
    const difference = guest.stat(DATA, "a").mtim - precise;
    assert.ok(difference > -1000n && difference < 1000n, String(difference));
    answers(guest, [
      [(g) => g.call("fd_filestat_set_times", fd, 0n, 0n, 1 | 2), "inval"],
      [(g) => g.call("fd_filestat_set_times", fd, 0n, 0n, 4 | 8), "inval"],
      [(g) => g.setTimes(DATA, "a", 0n, 0n, 16), "inval"],
      [(g) => g.setTimes(DATA, "b", 0n, 0n, 1), "noent"],
    ]);
  });

  test("sync, datasync and advice are taken", async () => {
    await using box = await sandbox(subject());
    const { guest } = box;
    const fd = guest.create(DATA, "a", "x", { fdflags: Fdflag.sync | Fdflag.dsync | Fdflag.rsync });
    guest.call("fd_sync", fd);
    guest.call("fd_datasync", fd);
    guest.call("fd_sync", DATA);
    for (let advice = 0; advice < 6; advice++) guest.call("fd_advise", fd, 0n, 0n, advice);
    answers(guest, [
      [(g) => g.call("fd_advise", fd, 0n, 0n, 6), "inval"],
      [(g) => g.call("fd_advise", 1, 0n, 0n, 0), "spipe"],
      [(g) => g.call("fd_advise", DATA, 0n, 0n, 0), "badf"],
    ]);
  });

  test("descriptors are limited, and given back", async () => {
    await using box = await sandbox(subject());
    const { guest } = box;
    guest.create(DATA, "a");
    let last = 0;
    const errno = errnoOf(() => {
      for (;;) last = guest.open(DATA, "a");
    });
    assert.equal(errno, "mfile");
    guest.call("fd_close", last);
    assert.equal(guest.open(DATA, "a"), last);
  });
}
