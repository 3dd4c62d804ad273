/** The part of the suite about directories and links. */
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
import { answers, Lookup, Oflag, WRITE } from "./guest.ts";
import { RESULT } from "./signatures.ts";

const DATA = 3;
const FILE = 4;
const DIRECTORY = 3;
const LINK = 7;

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
