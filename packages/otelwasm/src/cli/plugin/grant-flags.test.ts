import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { ConfigError } from "../../component/errors.ts";
import { data, type GuestParts, guest } from "../../plugin/testing/guests.ts";
import { Errno } from "../../wasi/errno.ts";
import type { WasiGrants } from "../../wasi/grants.ts";
import { runCommand } from "../testing/command.ts";
import { type GrantFlags, grantsOfFlags } from "./grant-flags.ts";

let folder = "";
before(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "otelwasm-plugin-grants-")));
  mkdirSync(join(folder, "data"));
});
after(() => rmSync(folder, { recursive: true }));

const NONE: WasiGrants = { args: [], env: {}, files: [], network: { listen: [], connect: [], resolve: [] } };

/** What the flags grant, and the warnings. */
function grants(flags: GrantFlags, hostEnv: Record<string, string> = {}): { grants: WasiGrants; warnings: string[] } {
  const warnings: string[] = [];
  return { grants: grantsOfFlags(flags, hostEnv, (message) => warnings.push(message)), warnings };
}

function issues(flags: GrantFlags): readonly string[] {
  try {
    grants(flags);
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.issues;
  }
  return assert.fail("nothing is wrong");
}

describe("what the flags grant", () => {
  test("nothing by default", () => {
    assert.deepEqual(grants({}), { grants: NONE, warnings: [] });
  });

  test("variables with a value, without one, and from here", () => {
    const flags = { env: ["A=1", "B=x=y", "C=", "HERE"] };
    const env = { A: "1", B: "x=y", C: "", HERE: "from here" };
    assert.deepEqual(grants(flags, { HERE: "from here", OTHER: "x" }), { grants: { ...NONE, env }, warnings: [] });
    assert.deepEqual(grants({ env: ["GONE"] }), {
      grants: NONE,
      warnings: ["--env: there is no variable GONE here, so the plugin has none; give it a value: --env GONE=VALUE"],
    });
  });

  test("arguments, directories, the network", () => {
    const host = join(folder, "data");
    const flags = {
      arg: ["plugin", "--strict"],
      dir: [host, `${host}:/read:ro`, `${host}:/write:rw`, `${folder}:rw`],
      listen: ["127.0.0.1:0"],
      connect: ["*.example.com:443", "10.0.0.0/8:*"],
      resolve: ["example.org"],
    };
    assert.deepEqual(grants(flags).grants, {
      args: flags.arg,
      env: {},
      files: [
        { host, guest: host, writable: false },
        { host, guest: "/read", writable: false },
        { host, guest: "/write", writable: true },
        { host: folder, guest: folder, writable: true },
      ],
      network: { listen: flags.listen, connect: flags.connect, resolve: flags.resolve },
    });
  });

  test("all that is wrong is said at once, by the flags", () => {
    const found = issues({
      env: ["A=1", "A=2", "=x", ""],
      arg: ["\0"],
      dir: [join(folder, "gone"), `${folder}:/x`, `${folder}/data:/x`, `${folder}:relative`, `${folder}:/y:write`, ""],
      listen: ["example.com:80"],
      connect: [":443"],
      resolve: ["a b"],
    });
    for (const [i, issue] of [
      /^--env: "A" is given twice$/,
      /^--env: "" is given twice$/,
      /^--dir: ".*:relative" is not HOST\[:GUEST\]\[:ro\|rw\], such as \.\/data:\/data:rw; GUEST, .* begins with "\/"$/,
      /^--dir: ".*:\/y:write" is not HOST/,
      /^--dir: "" is not HOST/,
      /^--arg: must not contain a zero byte$/,
      /^--env: "" is no name of a variable/,
      /^--listen: "example\.com" is a name/,
      /^--connect: ":443" has no host: write \*:443 for any/,
      /^--resolve: "a b" is no name/,
      /^--dir: there is no directory .*gone$/,
      /^--dir: "\/x" is given twice/,
    ].entries())
      assert.match(found[i] ?? "", issue);
    assert.equal(found.length, 12);
  });
});

const BATCH = JSON.stringify({ resourceLogs: [{ scopeLogs: [{ logRecords: [{ body: { stringValue: "hello" } }] }] }] });

describe("plugin run with grants", () => {
  let made = 0;
  /** `otelwasm plugin run` of a guest with some of WASI's functions, and one batch. */
  const run = (functions: readonly string[], parts: GuestParts, ...flags: readonly string[]) => {
    const path = join(folder, `${made++}.wasm`);
    const imports = functions.map((item) => {
      const [name, params] = item.split(":");
      return `(import "wasi_snapshot_preview1" "${name}" (func $${name} (param ${params}) (result i32)))`;
    });
    writeFileSync(path, guest({ imports: imports.join("\n"), ...parts }));
    const args = ["plugin", "run", path, "--signal", "logs", "--input", "-", ...flags];
    return runCommand(args, { HERE: "from here" }, BATCH);
  };
  const FD_WRITE = "fd_write:i32 i32 i32 i32";
  const write = (fd: string, at: number, size: number): string =>
    `(i32.store (i32.const 560) (i32.const ${at})) (i32.store (i32.const 564) (i32.const ${size}))
     (drop (call $fd_write ${fd} (i32.const 560) (i32.const 1) (i32.const 604)))`;

  test("the plugin has its variables and arguments", async () => {
    const say = {
      consume: `(drop (call $environ_get (i32.const 700) (i32.const 720))) ${write("(i32.const 1)", 720, 14)}
        (drop (call $args_get (i32.const 800) (i32.const 820))) ${write("(i32.const 1)", 820, 8)} (i32.const 0)`,
    };
    const functions = ["environ_get:i32 i32", "args_get:i32 i32", FD_WRITE];
    const { code, stderr } = await run(functions, say, "--env", "HERE", "--env", "GONE", "--arg", "--strict");
    assert.equal(code, 0, stderr);
    assert.match(stderr, /^Warning: --env: there is no variable GONE here/);
    assert.match(stderr, /info.*HERE=from here--strict/);
  });

  test("a directory: to write takes :rw, and the log says so where it is missing", async () => {
    const host = join(folder, "data");
    const writeLog = {
      fields: data(512, "log") + data(520, "hello"),
      consume: `(local $errno i32)
        (local.set $errno (call $path_open (i32.const 3) (i32.const 1) (i32.const 512) (i32.const 3) (i32.const 1)
          (i64.const 0x40) (i64.const 0) (i32.const 1) (i32.const 600)))
        ${write("(i32.load (i32.const 600))", 520, 5)} (local.get $errno)`,
    };
    const functions = ["path_open:i32 i32 i32 i32 i32 i64 i64 i32 i32", FD_WRITE];
    const refused = await run(functions, writeLog, "--dir", `${host}:/data`);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, new RegExp(`status ${Errno.rofs}\\b`));
    assert.match(refused.stderr, /refused to write in \/data .*granted for reading/);
    const granted = await run(functions, writeLog, "--dir", `${host}:/data:rw`);
    assert.equal(granted.code, 0, granted.stderr);
    assert.equal(readFileSync(join(host, "log"), "utf8"), "hello");
  });

  test("the network: a connection where it is granted, and a line that says how it is where it is not", async () => {
    const server = createServer((socket) => socket.destroy()).listen(0, "127.0.0.1");
    try {
      await once(server, "listening");
      const address = server.address();
      assert.ok(address !== null && typeof address === "object");
      const dial = {
        // An address in front of its four bytes.
        fields: `${data(8, "\x7f\0\0\x01")} (data (i32.const 16) "\\08\\00\\00\\00\\04\\00\\00\\00")`,
        consume: `(drop (call $sock_open (i32.const 1) (i32.const 2) (i32.const 64)))
          (call $sock_connect (i32.load (i32.const 64)) (i32.const 16) (i32.const ${address.port}))`,
      };
      const functions = ["sock_open:i32 i32 i32", "sock_connect:i32 i32 i32"];
      const refused = await run(functions, dial);
      assert.equal(refused.code, 1);
      const pattern = `127.0.0.1:${address.port}`;
      assert.match(refused.stderr, new RegExp(`refused to connect .*write "${pattern}" to "connect" in "network"`));
      const heard = once(server, "connection");
      const granted = await run(functions, dial, "--connect", pattern);
      assert.equal(granted.code, 0, granted.stderr);
      await heard;
    } finally {
      server.close();
    }
  });

  test("what is wrong ends it with the flag's name, before anything runs", async () => {
    const { code, stderr } = await run([], {}, "--connect", "https://example.com", "--dir", join(folder, "gone"));
    assert.equal(code, 1);
    assert.match(stderr, /--connect: "https:\/\/example\.com" is a URL: write HOST:PORT/);
    assert.match(stderr, /--dir: there is no directory .*gone/);
  });
});
