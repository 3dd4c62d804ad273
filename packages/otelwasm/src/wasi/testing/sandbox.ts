/** Attempts to reach what is not granted: each with what it is answered. Data, so that a new trick is one line. */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import { Worker } from "node:worker_threads";
import { type Sandbox, type Subject, sandbox } from "./bench.ts";
import { ALL_RIGHTS, type ErrnoName, errnoOf, Lookup, Oflag, READ, type WasiGuest, WRITE } from "./guest.ts";
import { RESULT } from "./signatures.ts";

/** `/data`, which may be written; `/fixed`, which may be read; and a neighbour of both that is not granted. */
const DATA = 3;
const FIXED = 4;

const SECRET = "not for guests";

function prepare(host: string): void {
  const base = dirname(host);
  mkdirSync(join(base, "secret"));
  writeFileSync(join(base, "secret/file"), SECRET);
  mkdirSync(join(base, "fixed/dir"), { recursive: true });
  writeFileSync(join(base, "fixed/file"), "fixed");
  symlinkSync("file", join(base, "fixed/link"));
  mkdirSync(join(host, "dir/sub"), { recursive: true });
  writeFileSync(join(host, "file"), "mine");
  // What an administrator may have left there.
  symlinkSync(join(base, "secret"), join(host, "absolute-dir"));
  symlinkSync(join(base, "secret/file"), join(host, "absolute-file"));
  symlinkSync(host, join(host, "absolute-inside"));
  symlinkSync("../secret", join(host, "up-dir"));
  symlinkSync("../secret/file", join(host, "up-file"));
  symlinkSync("..", join(host, "up"));
  symlinkSync("dir/../up-file", join(host, "chain"));
  symlinkSync("../../../secret/file", join(host, "dir/sub/deep"));
  symlinkSync("../new", join(host, "dangling-outside"));
  symlinkSync("/", join(host, "root"));
  symlinkSync("/proc/self/root", join(host, "proc-root"));
  symlinkSync("/dev/stdin", join(host, "stdin"));
  if (NO_PIPES === undefined) execFileSync("mkfifo", [join(host, "fifo")]);
}

/** Why there are no named pipes, which Node.js cannot make. */
const NO_PIPES = spawnSync("mkfifo", ["--version"]).status === 0 ? undefined : "needs mkfifo: there is none in PATH";

type Attempt = readonly [what: string, attempt: (guest: WasiGuest) => unknown, errno: ErrnoName];

const CREATE = { oflags: Oflag.creat, rights: READ | WRITE } as const;
const clock = (id: number) => (g: WasiGuest) => g.call("clock_time_get", id, 0n, RESULT);

const PATHS: readonly Attempt[] = [
  ["the directory above", (g) => g.open(DATA, ".."), "perm"],
  ["the directory above, with a slash", (g) => g.open(DATA, "../"), "perm"],
  ["a neighbour's file", (g) => g.open(DATA, "../secret/file"), "perm"],
  ["a neighbour's file, after a detour", (g) => g.open(DATA, "dir/../../secret/file"), "perm"],
  ["a neighbour's file, after a longer detour", (g) => g.open(DATA, "dir/sub/../../../secret/file"), "perm"],
  ["out and in again", (g) => g.open(DATA, "../data/file"), "perm"],
  ["far above", (g) => g.open(DATA, "../".repeat(100)), "perm"],
  ["above a directory opened below", (g) => g.open(g.openDirectory(DATA, "dir"), "../file"), "perm"],
  ["an absolute path", (g) => g.open(DATA, "/etc/passwd"), "perm"],
  ["an absolute path with two slashes", (g) => g.open(DATA, "//etc/passwd"), "perm"],
  ["its own absolute path", (g) => g.open(DATA, "/data/file"), "perm"],
  ["the root", (g) => g.open(DATA, "/"), "perm"],
  ["a path with a zero byte", (g) => g.open(DATA, "file\0/../../secret"), "inval"],
  ["a path that is not UTF-8", (g) => g.open(DATA, Uint8Array.of(0x2e, 0xc0, 0xae, 0x2f)), "ilseq"],
  ["an overlong slash", (g) => g.open(DATA, Uint8Array.of(0x2e, 0x2e, 0xc0, 0xaf, 0x61)), "ilseq"],
  ["a name of 256 bytes", (g) => g.open(DATA, "a".repeat(256)), "nametoolong"],
  ["a path of 4097 bytes", (g) => g.open(DATA, "./".repeat(2048).concat("x")), "nametoolong"],
  ["a way through 300 directories", (g) => g.open(deep(g, 300), "x"), "nametoolong"],
  ["dots that are a name", (g) => g.open(DATA, "..."), "noent"],
  ["another case", (g) => g.open(DATA, "dir/../FILE/../file"), caseErrno()],
];

const LINKS: readonly Attempt[] = [
  ["an absolute link to a file", (g) => g.open(DATA, "absolute-file"), "perm"],
  ["below an absolute link", (g) => g.open(DATA, "absolute-dir/file"), "perm"],
  ["an absolute link that leads inside", (g) => g.open(DATA, "absolute-inside/file"), "perm"],
  ["a relative link outwards", (g) => g.open(DATA, "up-file"), "perm"],
  ["below a relative link outwards", (g) => g.open(DATA, "up-dir/file"), "perm"],
  ["a link to what is above", (g) => g.open(DATA, "up"), "perm"],
  ["through a link to what is above", (g) => g.open(DATA, "up/secret/file"), "perm"],
  ["a chain of links", (g) => g.open(DATA, "chain"), "perm"],
  ["a link from deep below", (g) => g.open(DATA, "dir/sub/deep"), "perm"],
  ["a link to the root", (g) => g.open(DATA, "root/etc/passwd"), "perm"],
  ["a link to the root of the process", (g) => g.open(DATA, "proc-root/etc/passwd"), "perm"],
  ["a link to the host's standard input", (g) => g.open(DATA, "stdin"), "perm"],
  ["making a file through a dangling link", (g) => g.open(DATA, "dangling-outside", CREATE), "perm"],
  ["making a file below a link outwards", (g) => g.open(DATA, "up-dir/new", CREATE), "perm"],
  ["making a directory below a link outwards", (g) => g.mkdir(DATA, "up-dir/new"), "perm"],
  ["removing below a link outwards", (g) => g.unlink(DATA, "up-dir/file"), "perm"],
  ["removing a directory above", (g) => g.rmdir(DATA, "../secret"), "perm"],
  ["listing through a link outwards", (g) => g.openDirectory(DATA, "up-dir"), "perm"],
  ["looking through a link outwards", (g) => g.stat(DATA, "up-file", Lookup.follow), "perm"],
  ["looking at a link outwards, with a slash", (g) => g.stat(DATA, "up-dir/"), "perm"],
  ["times through a link outwards", (g) => g.setTimes(DATA, "up-file", 0n, 0n, 4, Lookup.follow), "perm"],
  ["renaming out", (g) => g.rename(DATA, "file", DATA, "../stolen"), "perm"],
  ["renaming in", (g) => g.rename(DATA, "../secret/file", DATA, "stolen"), "perm"],
  ["renaming in through a link", (g) => g.rename(DATA, "up-dir/file", DATA, "stolen"), "perm"],
  ["a second name for what is outside", (g) => g.link(DATA, "up-dir/file", DATA, "stolen"), "perm"],
  ["a second name through a link", (g) => g.link(DATA, "up-file", DATA, "stolen", Lookup.follow), "perm"],
  ["a second name outside", (g) => g.link(DATA, "file", DATA, "up-dir/new"), "perm"],
  ["an absolute link of its own", (g) => g.symlink("/etc/passwd", DATA, "mine"), "perm"],
  ["an absolute link of Windows", (g) => g.symlink("C:\\Windows", DATA, "mine"), "perm"],
  [
    "a link of its own outwards, followed",
    (g) => {
      g.symlink("../secret/file", DATA, "own");
      g.open(DATA, "own");
    },
    "perm",
  ],
  [
    "a link of its own that was inside, moved",
    (g) => {
      g.symlink("../file", DATA, "dir/own2");
      g.rename(DATA, "dir/own2", DATA, "own2");
      g.open(DATA, "own2");
    },
    "perm",
  ],
  ["a link made outside", (g) => g.symlink("x", DATA, "../new"), "perm"],
  ["reading a link outside", (g) => g.readlink(DATA, "up/data/up"), "perm"],
];

const READ_ONLY: readonly Attempt[] = [
  ["opening for writing", (g) => g.open(FIXED, "file", { rights: READ | WRITE }), "rofs"],
  ["opening for nothing but writing", (g) => g.open(FIXED, "file", { rights: WRITE }), "rofs"],
  ["appending", (g) => g.open(FIXED, "file", { rights: WRITE, fdflags: 1 }), "rofs"],
  ["making a file", (g) => g.open(FIXED, "new", CREATE), "rofs"],
  ["making a file, alone", (g) => g.open(FIXED, "new", { oflags: Oflag.creat | Oflag.excl }), "rofs"],
  ["emptying a file while opening it for reading", (g) => g.open(FIXED, "file", { oflags: Oflag.trunc }), "rofs"],
  ["writing to a file that is open for reading", (g) => g.write(g.open(FIXED, "file"), "x"), "badf"],
  ["the size of a file that is open for reading", (g) => g.call("fd_filestat_set_size", reader(g), 0n), "rofs"],
  ["room for a file that is open for reading", (g) => g.call("fd_allocate", reader(g), 0n, 100n), "rofs"],
  [
    "the times of a file that is open for reading",
    (g) => g.call("fd_filestat_set_times", reader(g), 0n, 0n, 4),
    "rofs",
  ],
  ["the times of the directory", (g) => g.call("fd_filestat_set_times", FIXED, 0n, 0n, 4), "rofs"],
  ["the times of a path", (g) => g.setTimes(FIXED, "file", 0n, 0n, 4), "rofs"],
  ["the times of a link", (g) => g.setTimes(FIXED, "link", 0n, 0n, 4), "rofs"],
  ["making a directory", (g) => g.mkdir(FIXED, "new"), "rofs"],
  ["removing a directory", (g) => g.rmdir(FIXED, "dir"), "rofs"],
  ["removing a file", (g) => g.unlink(FIXED, "file"), "rofs"],
  ["making a link", (g) => g.symlink("file", FIXED, "new"), "rofs"],
  ["making a second name", (g) => g.link(FIXED, "file", FIXED, "new"), "rofs"],
  ["a second name where it may write", (g) => g.link(FIXED, "file", DATA, "stolen"), "xdev"],
  ["moving within", (g) => g.rename(FIXED, "file", FIXED, "new"), "rofs"],
  ["moving out", (g) => g.rename(FIXED, "file", DATA, "stolen"), "rofs"],
  ["moving in", (g) => g.rename(DATA, "file", FIXED, "new"), "rofs"],
  ["through a directory opened below", (g) => g.mkdir(g.openDirectory(FIXED, "dir"), "new"), "rofs"],
  [
    "more rights than it has",
    (g) => g.call("fd_fdstat_set_rights", g.open(FIXED, "file"), ALL_RIGHTS, 0n),
    "notcapable",
  ],
];

const DEVICES: readonly Attempt[] = [
  ["a pipe, for reading", (g) => g.open(DATA, "fifo"), "acces"],
  ["a pipe, for writing", (g) => g.open(DATA, "fifo", { rights: WRITE }), "acces"],
  ["a pipe, to be made", (g) => g.open(DATA, "fifo", CREATE), "acces"],
  ["a pipe as a directory", (g) => g.open(DATA, "fifo", { oflags: Oflag.directory }), "notdir"],
];

const HOST: readonly Attempt[] = [
  ["the processor time of the process", clock(2), "inval"],
  ["the processor time of the thread", clock(3), "inval"],
  ["a clock that there is not", clock(-1), "inval"],
  ["the resolution of a clock that there is not", (g) => g.call("clock_res_get", 2, RESULT), "inval"],
  ["a signal", (g) => g.call("proc_raise", 9), "nosys"],
  ["a descriptor that is open on the host only", (g) => g.read(10), "badf"],
  ["the greatest descriptor", (g) => g.read(-1), "badf"],
  ["writing to a descriptor of the host", (g) => g.write(20, "x"), "badf"],
  ["the descriptor of the library's thread", (g) => g.fstat(30), "badf"],
  [
    "a descriptor that was closed",
    (g) => {
      g.call("fd_close", FIXED);
      g.open(FIXED, "file");
    },
    "badf",
  ],
  ["a preopen that is not its own", (g) => g.call("fd_prestat_get", 5, RESULT), "badf"],
  ["a path in no directory", (g) => g.open(-1, "etc/passwd"), "noent"],
  ["a path in standard output", (g) => g.open(1, "etc/passwd"), "notdir"],
  ["a path in a file", (g) => g.open(g.open(DATA, "file"), "x"), "notdir"],
  ["standard input as output", (g) => g.write(0, "x"), "badf"],
  ["standard output as input", (g) => g.read(1), "badf"],
];

/** As root everything may be read. */
const DENIED: readonly Attempt[] = [
  ["a file that the host's user may not read", (g) => g.open(DATA, "locked"), "acces"],
];

function reader(guest: WasiGuest): number {
  return guest.open(FIXED, "file", { rights: ALL_RIGHTS & ~WRITE });
}

function caseErrno(): ErrnoName {
  return process.platform === "linux" ? "noent" : "notdir";
}

/** A directory so many levels down, each made and opened from the one above. Names a path from the top. */
function deep(guest: WasiGuest, levels: number): number {
  const path = Array.from({ length: levels }, () => "d").join("/");
  let above = DATA;
  for (let i = 0; i < levels; i += 50) {
    for (let j = 1; j <= Math.min(50, levels - i); j++)
      guest.mkdir(above, Array.from({ length: j }, () => "d").join("/"));
    above = guest.openDirectory(above, Array.from({ length: Math.min(50, levels - i) }, () => "d").join("/"));
  }
  return guest.openDirectory(DATA, path);
}

/** @param raceFree whether names are looked up in open directories */
export function sandboxTests(subject: () => Subject, raceFree: boolean): void {
  // Root may read everything: to root, what these attempts try is granted.
  const denied = process.getuid?.() === 0 ? [] : DENIED;
  const open = (): Promise<Sandbox> =>
    sandbox(
      subject(),
      {},
      (host) => [{ host: join(dirname(host), "fixed"), guest: "/fixed", writable: false }],
      prepare,
    );

  for (const [group, attempts, skip] of [
    ["paths", PATHS, false],
    ["links", LINKS, false],
    ["what may only be read", READ_ONLY, false],
    ["devices", DEVICES, NO_PIPES ?? false],
    ["the host", HOST, false],
    ["permissions", denied, false],
  ] as const)
    describe(group, { skip }, () => {
      for (const [what, attempt, errno] of attempts)
        test(`${what}: ${errno}`, async () => {
          await using box = await open();
          const { guest, host } = box;
          const base = dirname(host);
          writeFileSync(join(host, "locked"), "");
          chmodSync(join(host, "locked"), 0);
          const before = readdirSync(base).sort();
          assert.equal(
            errnoOf(() => attempt(guest)),
            errno,
          );
          assert.deepEqual(readdirSync(base).sort(), before);
          assert.equal(readFileSync(join(base, "secret/file"), "utf8"), SECRET);
          assert.deepEqual(readdirSync(join(base, "secret")), ["file"]);
          assert.deepEqual(readdirSync(join(base, "fixed")).sort(), ["dir", "file", "link"]);
          assert.equal(readFileSync(join(base, "fixed/file"), "utf8"), "fixed");
          assert.ok(!existsSync(join(host, "stolen")));
        });
    });

  test("the environment of the host is not the guest's", async () => {
    await using box = await open();
    assert.ok(Object.keys(process.env).length > 0);
    assert.deepEqual(box.guest.texts("environ"), []);
    assert.deepEqual(box.guest.texts("args"), []);
  });

  test("each missing grant is spoken of once, with how it is written", async () => {
    await using box = await open();
    const { guest, host, lines } = box;
    for (let i = 0; i < 3; i++)
      for (const [, attempt] of [...PATHS.slice(0, 3), ...READ_ONLY.slice(0, 3)]) errnoOf(() => attempt(guest));
    errnoOf(() => guest.open(-1, "etc/hosts"));
    errnoOf(() => guest.open(-1, "etc/passwd"));
    assert.equal(lines.length, 3, lines.join("\n"));
    assert.match(lines[0]!, /^warn: the plugin was refused "\.\." in \/data .*"files"/);
    assert.ok(lines[0]!.includes(host));
    assert.match(lines[1]!, /^warn: .* write in \/fixed .*"mode: read_write"/);
    assert.match(lines[2]!, /^info: the plugin was refused "etc\/hosts".*"files"/);
  });

  test("granted folders of the system: devices are not opened, and the links of /proc lead where their text says", {
    skip: process.platform === "linux" ? false : "only Linux has them",
  }, async () => {
    await using box = await sandbox(subject(), {}, () => [
      { host: "/dev", guest: "/dev", writable: true },
      { host: "/proc", guest: "/proc", writable: false },
    ]);
    const { guest } = box;
    const [dev, proc] = [4, 5];
    for (const [attempt, errno] of [
      [() => guest.open(dev, "null"), "acces"],
      [() => guest.open(dev, "null", { rights: WRITE }), "acces"],
      [() => guest.open(dev, "null", { oflags: Oflag.trunc }), "acces"],
      [() => guest.open(dev, "stdin"), "perm"],
      [() => guest.open(dev, "fd/0"), "perm"],
      [() => guest.stat(dev, "null"), "success"],
      [() => guest.open(proc, "self/root/etc/passwd"), "perm"],
      [() => guest.open(proc, "self/cwd"), "perm"],
      [() => guest.open(proc, "self/exe"), "perm"],
      [() => guest.open(proc, "self/status"), "success"],
    ] as const)
      assert.equal(errnoOf(attempt), errno, String(attempt));
  });

  test("a socket in a directory is not opened", {
    skip: process.platform === "win32" ? "Windows has none there" : false,
  }, async () => {
    await using box = await open();
    const server = createServer().listen(join(box.host, "socket"));
    await once(server, "listening");
    for (const options of [{}, { rights: WRITE }, CREATE])
      assert.equal(
        errnoOf(() => box.guest.open(DATA, "socket", options)),
        "acces",
      );
    server.close();
    await once(server, "close");
  });

  // By path, that cannot be had: docs/WASI.md says so.
  if (!raceFree) return;
  test("a directory that another process swaps for a link never leads outside", async () => {
    await using box = await open();
    const { guest, host } = box;
    mkdirSync(join(host, "swapped"));
    writeFileSync(join(host, "swapped/file"), "mine");
    symlinkSync("../secret", join(host, "trap"));
    const stop = new Int32Array(new SharedArrayBuffer(8));
    const swapping = new Worker(
      `const { renameSync } = require("node:fs");
         const { workerData: { host, stop } } = require("node:worker_threads");
         while (Atomics.load(stop, 0) === 0) {
           renameSync(host + "/swapped", host + "/aside");
           renameSync(host + "/trap", host + "/swapped");
           renameSync(host + "/swapped", host + "/trap");
           renameSync(host + "/aside", host + "/swapped");
           Atomics.add(stop, 1, 1);
         }`,
      { eval: true, workerData: { host, stop } },
    );
    const seen = new Set<string>();
    for (let i = 0; i < 200_000 && (Atomics.load(stop, 1) < 2000 || seen.size < 2); i++) {
      const errno = errnoOf(() => {
        const text = guest.readFile(DATA, "swapped/file");
        assert.equal(text, "mine");
      });
      seen.add(errno);
      // Of a name that is not there, or is a link that leads outside; never the neighbour's content.
      assert.ok(["success", "noent", "perm", "notdir", "inval"].includes(errno), errno);
    }
    Atomics.store(stop, 0, 1);
    await once(swapping, "exit");
    assert.ok(Atomics.load(stop, 1) > 0);
    renameSync(join(host, "swapped/file"), join(host, "kept"));
  });
}
