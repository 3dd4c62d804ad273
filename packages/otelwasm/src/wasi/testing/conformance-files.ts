/** The part of the suite that needs a directory. */
import assert from "node:assert/strict";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { isRaceFree, type Subject, sandbox } from "./bench.ts";
import { ALL_RIGHTS, type ErrnoName, errnoOf, Lookup, Oflag, READ, type WasiGuest, WRITE } from "./guest.ts";
import { RESULT } from "./signatures.ts";

const DATA = 3;
const Fdflag = { append: 1, dsync: 2, nonblock: 4, rsync: 8, sync: 16 } as const;
const FILE = 4;
const DIRECTORY = 3;
const LINK = 7;

/** Each call, and what it answers. */
function answers(guest: WasiGuest, calls: readonly (readonly [(guest: WasiGuest) => unknown, ErrnoName])[]): void {
  for (const [call, errno] of calls)
    assert.equal(
      errnoOf(() => call(guest)),
      errno,
      String(call),
    );
}

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

export function directoryTests(subject: () => Subject): void {
  test("preopens have the names of the configuration, in its order, from 3 on", async () => {
    await using box = await sandbox(subject(), {}, (host) => [{ host, guest: "/other/ü", writable: false }]);
    const { guest } = box;
    const names = [3, 4].map((fd) => {
      guest.call("fd_prestat_get", fd, RESULT);
      assert.equal(guest.u32(), 0);
      const size = guest.u32(RESULT + 4);
      guest.call("fd_prestat_dir_name", fd, RESULT, size);
      return Buffer.from(guest.memory.read(RESULT, size)).toString();
    });
    assert.deepEqual(names, ["/data", "/other/ü"]);
    answers(guest, [
      [(g) => g.call("fd_prestat_get", 5, RESULT), "badf"],
      [(g) => g.call("fd_prestat_dir_name", 3, RESULT, 4), "nametoolong"],
      [(g) => g.call("fd_prestat_dir_name", 3, RESULT, 100), "success"],
      [(g) => g.call("fd_prestat_dir_name", g.openDirectory(3, "."), RESULT, 100), "badf"],
    ]);
  });

  test("made, listed and removed", async () => {
    await using box = await sandbox(subject());
    const { guest, host } = box;
    guest.mkdir(DATA, "dir");
    guest.mkdir(DATA, "dir/sub/");
    guest.create(DATA, "dir/file", "1234");
    const dir = guest.openDirectory(DATA, "dir");
    const entries = guest.readdir(dir);
    assert.deepEqual(
      entries.slice(0, 2).map(({ name, type }) => [name, type]),
      [
        [".", DIRECTORY],
        ["..", DIRECTORY],
      ],
    );
    assert.deepEqual(
      entries
        .slice(2)
        .map(({ name, type, ino }) => [name, type, ino])
        .sort(),
      [
        ["file", FILE, statSync(join(host, "dir/file"), { bigint: true }).ino],
        ["sub", DIRECTORY, statSync(join(host, "dir/sub"), { bigint: true }).ino],
      ],
    );
    answers(guest, [
      [(g) => g.mkdir(DATA, "dir"), "exist"],
      [(g) => g.mkdir(DATA, "dir/file"), "exist"],
      [(g) => g.mkdir(DATA, "."), "exist"],
      [(g) => g.mkdir(DATA, "no/such"), "noent"],
      [(g) => g.mkdir(DATA, "dir/file/x"), "notdir"],
      [(g) => g.rmdir(DATA, "dir"), "notempty"],
      [(g) => g.rmdir(DATA, "dir/file"), "notdir"],
      [(g) => g.rmdir(DATA, "no"), "noent"],
      [(g) => g.unlink(DATA, "dir"), "isdir"],
      [(g) => g.unlink(DATA, "dir/"), "isdir"],
      [(g) => g.unlink(DATA, "dir/file/"), "notdir"],
      [(g) => g.unlink(DATA, "no"), "noent"],
      [(g) => g.unlink(DATA, "dir/file"), "success"],
      [(g) => g.rmdir(DATA, "dir/sub/"), "success"],
      [(g) => g.rmdir(DATA, "dir"), "success"],
    ]);
    assert.ok(!existsSync(join(host, "dir")));
  });

  test("a list that needs many calls, with whatever buffer, is complete; so is one that shrinks meanwhile", async () => {
    await using box = await sandbox(subject(), {}, undefined, (host) => {
      for (let i = 0; i < 300; i++) writeFileSync(join(host, `file-${i}`), "");
    });
    const { guest } = box;
    const expected = [".", "..", ...Array.from({ length: 300 }, (_, i) => `file-${i}`)].sort();
    for (const size of [40, 256, 4096, 100_000])
      assert.deepEqual(
        guest
          .readdir(DATA, size)
          .map(({ name }) => name)
          .sort(),
        expected,
      );
    const { entries } = guest.readdirOnce(DATA, 0n, 200);
    const third = guest.readdirOnce(DATA, entries[1]!.next, 4096).entries[0]!;
    assert.equal(third.name, entries[2]!.name);
    let seen = 0;
    for (let cookie = 0n; ; ) {
      const { entries: some, full } = guest.readdirOnce(DATA, cookie, 500);
      for (const { name, next } of some) {
        cookie = next;
        if (name.startsWith("file")) guest.unlink(DATA, name);
        seen++;
      }
      if (!full) break;
    }
    assert.equal(seen, 302);
    assert.equal(guest.readdir(DATA).length, 2);
    assert.deepEqual(guest.readdirOnce(DATA, 2n ** 64n - 1n, 4096), { entries: [], full: false });
    assert.deepEqual(guest.readdirOnce(DATA, 0n, 0), { entries: [], full: true });
  });

  test("what only files can, a directory answers with an errno", async () => {
    await using box = await sandbox(subject());
    answers(box.guest, [
      [(g) => g.read(DATA), "isdir"],
      [(g) => g.write(DATA, "x"), "isdir"],
      [(g) => g.pread(DATA, 0n), "isdir"],
      [(g) => g.pwrite(DATA, "x", 0n), "isdir"],
      [(g) => g.seek(DATA, 0n, 1), "isdir"],
      [(g) => g.call("fd_tell", DATA, RESULT), "isdir"],
      [(g) => g.call("fd_allocate", DATA, 0n, 1n), "isdir"],
      [(g) => g.call("fd_filestat_set_size", DATA, 0n), "isdir"],
      [(g) => g.readdir(1), "notdir"],
    ]);
  });

  test("paths with dots and slashes lead where they lead in POSIX", async () => {
    await using box = await sandbox(subject());
    const { guest } = box;
    guest.mkdir(DATA, "dir");
    guest.mkdir(DATA, "dir/nested");
    guest.create(DATA, "dir/nested/file", "deep");
    assert.equal(guest.readFile(DATA, "dir/.//nested/../../dir/nested/../nested///./file"), "deep");
    answers(guest, [
      [(g) => g.open(DATA, "dir/nested/file/"), "notdir"],
      [(g) => g.open(DATA, "dir/nested/file///"), "notdir"],
      [(g) => g.open(DATA, "dir/nested/file/."), "notdir"],
      [(g) => g.open(DATA, "dir/nested/file/.."), "notdir"],
      [(g) => g.open(DATA, "dir/nested/"), "success"],
      [(g) => g.open(DATA, "dir/missing/../nested"), "noent"],
      [(g) => g.open(DATA, "dir/.."), "success"],
      [(g) => g.open(DATA, "."), "success"],
      [(g) => g.open(DATA, ""), "noent"],
    ]);
    assert.equal(guest.stat(DATA, "dir/..").ino, guest.fstat(DATA).ino);
  });

  test("renaming", async () => {
    await using box = await sandbox(subject());
    const { guest } = box;
    for (const name of ["dir", "empty", "full", "other"]) guest.mkdir(DATA, name);
    guest.create(DATA, "full/x");
    guest.create(DATA, "a", "a");
    guest.create(DATA, "b", "b");
    const other = guest.openDirectory(DATA, "other");
    answers(guest, [
      [(g) => g.rename(DATA, "dir", DATA, "full"), "notempty"],
      [(g) => g.rename(DATA, "dir", DATA, "full/x"), "notdir"],
      [(g) => g.rename(DATA, "a", DATA, "empty"), "isdir"],
      [(g) => g.rename(DATA, "no", DATA, "x"), "noent"],
      [(g) => g.rename(DATA, "a/", DATA, "x"), "notdir"],
      [(g) => g.rename(DATA, "a", DATA, "x/"), "notdir"],
      [(g) => g.rename(DATA, "full", DATA, "full/in-itself"), "inval"],
      [(g) => g.rename(DATA, ".", DATA, "x"), "busy"],
      [(g) => g.rename(DATA, "dir", DATA, "empty"), "success"],
      [(g) => g.rename(DATA, "empty/", DATA, "renamed/"), "success"],
      [(g) => g.rename(DATA, "a", DATA, "b"), "success"],
      [(g) => g.rename(DATA, "b", other, "c"), "success"],
    ]);
    assert.equal(guest.readFile(DATA, "other/c"), "a");
    assert.equal(guest.stat(DATA, "renamed").filetype, DIRECTORY);
    answers(guest, [[(g) => g.stat(DATA, "dir"), "noent"]]);
  });

  test("a directory that was moved is still the one that is open", async () => {
    await using box = await sandbox(subject());
    const { guest, host } = box;
    guest.mkdir(DATA, "old");
    const dir = guest.openDirectory(DATA, "old");
    guest.rename(DATA, "old", DATA, "new");
    if (isRaceFree(subject())) {
      guest.create(dir, "file", "there");
      assert.equal(readFileSync(join(host, "new/file"), "utf8"), "there");
    } else answers(guest, [[(g) => g.create(dir, "file"), "noent"]]);
  });
}

export function linkTests(subject: () => Subject): void {
  test("links are followed where that is asked for, on the way always", async () => {
    await using box = await sandbox(subject());
    const { guest, host } = box;
    guest.mkdir(DATA, "dir");
    guest.create(DATA, "dir/file", "content");
    guest.symlink("dir", DATA, "to-dir");
    guest.symlink("../dir/./file", DATA, "dir/to-file");
    guest.symlink("to-dir/to-file", DATA, "chain");
    assert.equal(readlinkSync(join(host, "dir/to-file")), "../dir/./file");
    assert.equal(guest.readFile(DATA, "chain"), "content");
    assert.equal(guest.readFile(DATA, "to-dir/file"), "content");
    assert.equal(guest.stat(DATA, "chain").filetype, LINK);
    assert.equal(guest.stat(DATA, "chain", Lookup.follow).filetype, FILE);
    assert.equal(guest.stat(DATA, "to-dir/").filetype, DIRECTORY);
    assert.equal(guest.readlink(DATA, "chain"), "to-dir/to-file");
    assert.equal(guest.readlink(DATA, "chain", 3), "to-");
    answers(guest, [
      [(g) => g.open(DATA, "chain", { lookup: Lookup.nofollow }), "loop"],
      [(g) => g.open(DATA, "to-dir", { lookup: Lookup.nofollow, oflags: Oflag.directory }), "loop"],
      [(g) => g.open(DATA, "chain", { oflags: Oflag.creat | Oflag.excl }), "exist"],
      [(g) => g.readlink(DATA, "dir"), "inval"],
      [(g) => g.readlink(DATA, "dir/file"), "inval"],
      [(g) => g.readlink(DATA, "no"), "noent"],
      [(g) => g.rmdir(DATA, "to-dir"), "notdir"],
      [(g) => g.rmdir(DATA, "to-dir/"), "notdir"],
      [(g) => g.unlink(DATA, "to-dir"), "success"],
      [(g) => g.stat(DATA, "dir/file"), "success"],
    ]);
  });

  test("links that lead nowhere, and in circles", async () => {
    await using box = await sandbox(subject());
    const { guest, host } = box;
    guest.symlink("target", DATA, "dangling");
    guest.symlink("loop-b", DATA, "loop-a");
    guest.symlink("loop-a", DATA, "loop-b");
    guest.symlink("self/x", DATA, "self");
    answers(guest, [
      [(g) => g.open(DATA, "dangling"), "noent"],
      [(g) => g.open(DATA, "dangling", { lookup: Lookup.nofollow }), "loop"],
      [(g) => g.stat(DATA, "dangling", Lookup.follow), "noent"],
      [(g) => g.stat(DATA, "dangling"), "success"],
      [(g) => g.open(DATA, "loop-a"), "loop"],
      [(g) => g.open(DATA, "self"), "loop"],
      [(g) => g.stat(DATA, "loop-a/x"), "loop"],
      [(g) => g.open(DATA, "dangling", { oflags: Oflag.creat | Oflag.excl }), "exist"],
      [(g) => g.open(DATA, "dangling", { oflags: Oflag.creat, rights: WRITE }), "success"],
    ]);
    assert.ok(lstatSync(join(host, "target")).isFile());
  });

  test("40 links in a row are followed, 41 are a loop", async () => {
    await using box = await sandbox(subject(), {}, undefined, (host) => {
      writeFileSync(join(host, "0"), "end");
      for (let i = 1; i <= 41; i++) symlinkSync(String(i - 1), join(host, String(i)));
    });
    assert.equal(box.guest.readFile(DATA, "40"), "end");
    answers(box.guest, [[(g) => g.open(DATA, "41"), "loop"]]);
  });

  test("a link's own times are set where it is not followed", async () => {
    await using box = await sandbox(subject());
    const { guest } = box;
    guest.create(DATA, "file");
    guest.symlink("file", DATA, "link");
    guest.setTimes(DATA, "link", 0n, 3_000_000_000n, 4);
    guest.setTimes(DATA, "link", 0n, 5_000_000_000n, 4, Lookup.follow);
    assert.equal(guest.stat(DATA, "link").mtim, 3_000_000_000n);
    assert.equal(guest.stat(DATA, "file").mtim, 5_000_000_000n);
  });

  test("names that a link cannot have", async () => {
    await using box = await sandbox(subject());
    const { guest } = box;
    guest.mkdir(DATA, "dir");
    guest.create(DATA, "file");
    answers(guest, [
      [(g) => g.symlink("x", DATA, "new/"), "noent"],
      [(g) => g.symlink("x", DATA, "dir/"), "exist"],
      [(g) => g.symlink("x", DATA, "dir"), "exist"],
      [(g) => g.symlink("x", DATA, "file/"), "notdir"],
      [(g) => g.symlink("x", DATA, "file"), "exist"],
      [(g) => g.symlink("", DATA, "new"), "noent"],
      [(g) => g.symlink("x", DATA, "no/new"), "noent"],
    ]);
  });

  test("second names of a file", async () => {
    await using box = await sandbox(subject());
    const { guest } = box;
    guest.mkdir(DATA, "dir");
    guest.create(DATA, "file", "content");
    guest.symlink("file", DATA, "link");
    guest.link(DATA, "file", DATA, "dir/second");
    assert.equal(guest.readFile(DATA, "dir/second"), "content");
    assert.equal(guest.stat(DATA, "file").nlink, 2n);
    guest.link(DATA, "link", DATA, "third", Lookup.follow);
    assert.equal(guest.stat(DATA, "third").filetype, FILE);
    answers(guest, [
      [(g) => g.link(DATA, "file", DATA, "dir"), "exist"],
      [(g) => g.link(DATA, "file", DATA, "file"), "exist"],
      [(g) => g.link(DATA, "dir", DATA, "new"), "perm"],
      [(g) => g.link(DATA, "file", DATA, "new/"), "noent"],
      [(g) => g.link(DATA, "file/", DATA, "new"), "notdir"],
      [(g) => g.link(DATA, "no", DATA, "new"), "noent"],
      [(g) => g.link(DATA, "file", DATA, "link"), "exist"],
    ]);
  });

  test("what the host links inside of the directory is followed", async () => {
    await using box = await sandbox(subject(), {}, undefined, (host) => {
      mkdirSync(join(host, "releases/5"), { recursive: true });
      writeFileSync(join(host, "releases/5/file"), "five");
      symlinkSync("releases/5", join(host, "current"));
    });
    assert.equal(box.guest.readFile(DATA, "current/file"), "five");
  });
}
