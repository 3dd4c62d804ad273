import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { after, before, describe, test } from "node:test";
import { parseConfig } from "../config/load.ts";
import { applySchema } from "../config/schema.ts";
import { pluginConfigSchema } from "./config.ts";
import { resolveGrants } from "./grants.ts";
import { grantsOf } from "./grants-config.ts";
import { data, guest, imports } from "./testing/guests.ts";
import { failure, inEachIsolation, load, POSSIBLE, started } from "./testing/load.ts";
import { childrenOf } from "./testing/processes.ts";

let folder: string;
before(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "otelwasm-grants-")));
});
after(() => rmSync(folder, { recursive: true }));

/** A configuration's issues, or the grants that it gives. */
function grants(yaml: string, hostEnv: Record<string, string> = {}): unknown {
  const parsed = parseConfig(`path: x.wasm\n${yaml}`, "t", { env: { TOKEN: "0123" } });
  const result = applySchema(pluginConfigSchema("processor"), parsed, ["processors", "wasm"]);
  if (!result.ok) return result.issues;
  const warnings: string[] = [];
  const found = grantsOf(result.value, hostEnv, (message) => warnings.push(message));
  return warnings.length === 0 ? found : { ...found, warnings };
}

const NONE = { args: [], env: {}, files: [], network: { listen: [], connect: [], resolve: [] } };

describe("what a configuration grants", () => {
  test("nothing by default", () => {
    assert.deepEqual(grants(""), NONE);
  });

  test("variables: names, values, both; as a list and as a map", () => {
    const env = { A: "from host", B: "1", D: "", T: "0123" };
    const host = { A: "from host", B: "not this", OTHER: "x" };
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the Collector's variable
    const token = "${env:TOKEN}";
    assert.deepEqual(grants(`env: [A, { B: '1', D: '' }, { T: '${token}' }]`, host), { ...NONE, env });
    assert.deepEqual(grants(`env: { A: , B: '1', D: '', T: '${token}' }`, host), { ...NONE, env });
  });

  test("a variable that the host does not have is left out, with a warning", () => {
    assert.deepEqual(grants("env: [MISSING, { THERE: x }]"), {
      ...NONE,
      env: { THERE: "x" },
      warnings: [
        "env: there is no variable MISSING in the collector's environment, so the plugin has none; set it, or give it a value, as { MISSING: value }",
      ],
    });
  });

  test("arguments, directories, the network", () => {
    assert.deepEqual(
      grants(`
args: [plugin, --verbose]
files:
  - host: /var/log
  - { host: ./data, guest: /data, mode: read_write }
network: { listen: ['127.0.0.1:0'], connect: ['*.example.com:443'] }`),
      {
        args: ["plugin", "--verbose"],
        env: {},
        files: [
          { host: "/var/log", guest: "/var/log", writable: false },
          { host: "./data", guest: "/data", writable: true },
        ],
        network: { listen: ["127.0.0.1:0"], connect: ["*.example.com:443"], resolve: [] },
      },
    );
  });

  for (const [yaml, issue] of [
    ["env: [A, A]", /^processors::wasm::env: .*"A" is given twice/],
    ["env: [A=1]", /^processors::wasm::env::0: .*name of a variable/],
    ["env: { '': x }", /^processors::wasm::env.*name of a variable/],
    ["env: { A: [1] }", /^processors::wasm::env::A: /],
    ["env: { A: 0123 }", /^processors::wasm::env::A: .*string.*quotes/],
    ["env: 5", /^processors::wasm::env: /],
    ["args: x", /^processors::wasm::args: /],
    ["files: [{ guest: /x }]", /^processors::wasm::files::0::host: is required/],
    ["files: [{ host: '' }]", /^processors::wasm::files::0::host: must name a directory/],
    ["files: [{ host: /x, mode: rw }]", /^processors::wasm::files::0::mode: .*read_only/],
    ["files: [{ host: /x, write: true }]", /^processors::wasm::files::0::write: unknown key/],
    ["files: [{ host: /x, guest: x }]", /^processors::wasm::files::0::guest: "x" must be an absolute path/],
    ["files: [{ host: /x, guest: /a/../b }]", /^processors::wasm::files::0::guest: "\/a\/\.\.\/b" must be/],
    ["files: [{ host: /x }, { host: /y, guest: /x }]", /^processors::wasm::files::1::guest: "\/x" is given twice/],
    ['args: ["a\\0"]', /^processors::wasm::args::0: must not contain a zero byte/],
    ['env: { A: "\\0" }', /^processors::wasm::env::A: must not contain a zero byte/],
    ["network: { connect: [':1'] }", /^processors::wasm::network::connect::0: ":1" has no host: write \*:1 for any/],
    ["network: { conect: [] }", /^processors::wasm::network::conect: unknown key.*connect/],
  ] as const)
    test(`${yaml} is refused by name`, () => {
      const issues = grants(yaml);
      assert.ok(Array.isArray(issues));
      assert.match(issues.join("\n"), issue);
    });
});

describe("what is looked at when the plugin is loaded", () => {
  test("relative directories are the current one's; a link to a directory is one", () => {
    const files = [{ host: relative(process.cwd(), folder), guest: "/x", writable: false }];
    assert.deepEqual(resolveGrants({ files }), { ...NONE, files: [{ host: folder, guest: "/x", writable: false }] });
  });

  test("all that is wrong is said at once, by the configuration's keys", async () => {
    writeFileSync(join(folder, "file"), "");
    const files = [
      { host: join(folder, "missing"), guest: "/a", writable: false },
      { host: join(folder, "file"), guest: "/b", writable: false },
      { host: folder, guest: "relative", writable: false },
      { host: folder, guest: "/a", writable: false },
      { host: folder, guest: "/a/../b", writable: false },
    ];
    const error: unknown = await load(guest(), { grants: { files, env: { "A=B": "x", C: "\0" }, args: ["\0"] } }).catch(
      (caught: unknown) => caught,
    );
    assert.ok(error instanceof Error);
    for (const line of [
      "args::0: must not contain a zero byte",
      'env: "A=B" is no name of a variable',
      "env::C: must not contain a zero byte",
      `files::0::host: there is no directory ${join(folder, "missing")}`,
      `files::1::host: ${join(folder, "file")} is not a directory; grant the directory that it is in`,
      'files::2::guest: "relative" must be an absolute path',
      'files::3::guest: "/a" is given twice',
      'files::4::guest: "/a/../b" must be an absolute path',
    ])
      assert.ok(error.message.includes(line), `${line}\n${error.message}`);
  });
});

const WASI = `${imports("set_result_logs")}
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open" (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_get" (func $environ_get (param i32 i32) (result i32)))`;

/** Opens `log` in the preopen for appending, creating it. */
const OPEN = `(call $path_open (i32.const 3) (i32.const 1) (i32.const 512) (i32.const 3) (i32.const 1)
  (i64.const 0x40) (i64.const 0) (i32.const 1) (i32.const 600))`;
/** Writes what stands at 520 to a descriptor. */
const write = (fd: string): string =>
  `(i32.store (i32.const 560) (i32.const 520)) (i32.store (i32.const 564) (i32.const 5))
   (drop (call $fd_write ${fd} (i32.const 560) (i32.const 1) (i32.const 604)))`;
const TEXTS = data(512, "log") + data(520, "hello");

inEachIsolation(() => {
  test("a plugin writes where it may, and reads the variables that it was given", async () => {
    const host = mkdtempSync(join(folder, "logs-"));
    await using loaded = await started(
      guest({
        imports: WASI,
        fields: TEXTS,
        consume: `(drop ${OPEN}) ${write("(i32.load (i32.const 600))")}
          (drop (call $environ_get (i32.const 700) (i32.const 720)))
          (call $set_result_logs (i32.const 720) (i32.const 4)) (i32.const 0)`,
      }),
      { grants: { files: [{ host, guest: "/logs", writable: true }], env: { A: "b" } } },
    );
    const result = await loaded.consume([1]);
    assert.deepEqual(result, [[..."A=b\0"].map((character) => character.charCodeAt(0))]);
    assert.equal(readFileSync(join(host, "log"), "utf8"), "hello");
    await loaded.consume([1]);
    assert.equal(readFileSync(join(host, "log"), "utf8"), "hellohello");
  });

  test("a line without an end is written when the instance traps, and when it ends", async () => {
    const binary = (end: string): Uint8Array =>
      guest({ imports: WASI, fields: TEXTS, consume: `${write("(i32.const 2)")} ${end}` });
    {
      await using loaded = await started(binary("unreachable"), { restart: { maxRestarts: 0 } });
      await failure(loaded.consume([1]));
      assert.equal(loaded.lines[0], "warn: hello");
    }
    const loaded = await started(binary("(i32.const 0)"));
    await loaded.consume([1]);
    assert.deepEqual(loaded.lines, []);
    await loaded.plugin.shutdown();
    assert.deepEqual(loaded.lines, ["warn: hello"]);
  });

  test("a directory that has gone is an error that names it", async () => {
    const host = mkdtempSync(join(folder, "gone-"));
    await using loaded = await load(guest(), { grants: { files: [{ host, guest: "/x", writable: false }] } });
    assert.ok(loaded.plugin !== undefined);
    rmSync(host, { recursive: true });
    const error: unknown = await loaded.plugin.start().then(
      () => undefined,
      (caught: unknown) => caught,
    );
    // Where the instance was made before the directory went, it has it open.
    if (error !== undefined) assert.match(String(error), new RegExp(`files: the directory ${host}`));
  });
});

describe("what the host holds open for a guest", {
  skip: process.platform === "linux" ? false : "only Linux lists a process's descriptors",
}, () => {
  /** Descriptors of this process and those that it has started in the folder. */
  const open = (): number => [process.pid, ...childrenOf(process.pid)].reduce((sum, pid) => sum + openIn(pid), 0);
  const openIn = (pid: number): number => {
    const fds = `/proc/${pid}/fd`;
    return readdirSync(fds).filter((fd) => {
      try {
        return readlinkSync(`${fds}/${fd}`).startsWith(folder);
      } catch {
        return false;
      }
    }).length;
  };
  for (const isolation of POSSIBLE)
    for (const [how, end] of [
      ["traps", "unreachable"],
      ["is shut down", "(i32.const 0)"],
      ["hangs", "(loop $forever (br $forever)) (i32.const 0)"],
      ["hangs while it opens files", `(loop $forever (drop ${OPEN}) (br $forever)) (i32.const 0)`],
    ] as const) {
      if (isolation === "inline" && how.startsWith("hangs")) continue;
      test(`is closed when it ${how}, ${isolation}`, async () => {
        assert.equal(open(), 0);
        const binary = guest({ imports: WASI, fields: TEXTS, consume: `(drop ${OPEN}) (drop ${OPEN}) ${end}` });
        const limits = isolation === "inline" ? {} : { callTimeoutMs: 200 };
        const loaded = await started(binary, {
          grants: { files: [{ host: folder, guest: "/logs", writable: true }] },
          restart: { maxRestarts: 0 },
          isolation,
          limits,
        });
        assert.ok(open() > 0);
        await loaded.consume([1]).catch(() => undefined);
        await loaded.plugin.shutdown().catch(() => undefined);
        assert.equal(open(), 0);
      });
    }
});
