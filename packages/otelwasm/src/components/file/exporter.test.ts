import assert from "node:assert/strict";
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { zstdDecompressSync } from "node:zlib";
import type { Exporter } from "../../component/component.ts";
import { ConfigError, ConsumerError } from "../../component/errors.ts";
import { silentLogger } from "../../component/logger.ts";
import { settingsWith } from "../../component/testing/settings.ts";
import { optionalDeliveryKeys } from "../../exporterhelper/config.ts";
import { SIGNALS, type Signal } from "../../telemetry/batch.ts";
import { decodeJson, encodeJson } from "../../telemetry/json.ts";
import { protoDecode } from "../../telemetry/testing/arbitrary.ts";
import { buildPayload } from "../../telemetry/testing/payload.ts";
import { schema } from "./config.ts";
import { createExporter } from "./exporter.ts";
import { fileExporter } from "./factory.ts";
import { Rotation } from "./rotation.ts";
import { FileSink, type SinkFile } from "./sink.ts";

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "otelwasm-file-"));
  t.after(() => rmSync(path, { recursive: true }));
  return path;
}

function exporters(config: object, signals: readonly Signal[] = SIGNALS): Exporter[] {
  const shared = new Map<string, unknown>();
  return signals.map((signal) =>
    createExporter(settingsWith({ id: "file/out", signal, shared }), schema.parse(config)),
  );
}

const lines = (path: string): string[] => readFileSync(path, "utf8").split("\n").slice(0, -1);

test("json: one line for each batch, every signal in one file, there when consume resolves", async (t) => {
  const path = join(folder(t), "out.json");
  const all = exporters({ path });
  for (const exporter of all) await exporter.start();
  for (const [i, signal] of SIGNALS.entries()) {
    const bytes = buildPayload(signal, 2);
    await all[i]!.consume({ signal, bytes });
    assert.equal(lines(path)[i], encodeJson(signal, bytes));
    assert.deepEqual(protoDecode(signal, decodeJson(signal, lines(path)[i]!)), protoDecode(signal, bytes));
  }
  await all[0]!.shutdown();
  await all[1]!.consume({ signal: "metrics", bytes: new Uint8Array() });
  assert.equal(lines(path)[3], "{}", "the file is open until the last one shuts down");
  for (const exporter of all.slice(1)) await exporter.shutdown();
  await assert.rejects(all[1]!.consume({ signal: "metrics", bytes: new Uint8Array() }), /not open/);
});

test("proto: four bytes of length, the highest first, then the payload", async (t) => {
  const path = join(folder(t), "out.pb");
  const [exporter] = exporters({ path, format: "proto" }, ["logs"]);
  await exporter!.start();
  const payloads = [buildPayload("logs", 1), new Uint8Array(), buildPayload("logs", 900)];
  for (const bytes of payloads) await exporter!.consume({ signal: "logs", bytes });
  await exporter!.shutdown();
  let rest = readFileSync(path);
  for (const bytes of payloads) {
    const length = rest.readUInt32BE(0);
    assert.deepEqual(new Uint8Array(rest.subarray(4, 4 + length)), bytes);
    rest = rest.subarray(4 + length);
  }
  assert.equal(rest.length, 0);
});

for (const format of ["json", "proto"] as const)
  test(`${format}, compressed: each batch after its length`, async (t) => {
    const path = join(folder(t), "out.zst");
    const [exporter] = exporters({ path, format, compression: "zstd" }, ["logs"]);
    await exporter!.start();
    const payloads = [buildPayload("logs", 1), buildPayload("logs", 9000)];
    for (const bytes of payloads) await exporter!.consume({ signal: "logs", bytes });
    await exporter!.shutdown();
    let rest = readFileSync(path);
    for (const bytes of payloads) {
      const length = rest.readUInt32BE(0);
      const plain = zstdDecompressSync(rest.subarray(4, 4 + length));
      if (format === "proto") assert.deepEqual(new Uint8Array(plain), bytes);
      else assert.equal(plain.toString(), encodeJson("logs", bytes));
      rest = rest.subarray(4 + length);
    }
    assert.equal(rest.length, 0);
  });

describe("rotation", () => {
  const big = decodeJson(
    "logs",
    JSON.stringify({
      resourceLogs: [{ scopeLogs: [{ logRecords: [{ body: { stringValue: "x".repeat(600 * 1024) } }] }] }],
    }),
  );
  const asides = (path: string): string[] =>
    readdirSync(join(path, "..")).filter((name) => /^out-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}\.json$/.test(name));

  test("a file that would become too large is set aside; so many of those stay, and no batch is torn", async (t) => {
    const path = join(folder(t), "out.json");
    writeFileSync(join(path, "..", "out-other.json"), "not one of them");
    const [exporter] = exporters({ path, rotation: { max_megabytes: 1, max_backups: 2 } }, ["logs"]);
    await exporter!.start();
    for (let count = 1; count <= 4; count++) {
      await exporter!.consume({ signal: "logs", bytes: big });
      assert.equal(asides(path).length, Math.min(count - 1, 2));
    }
    await exporter!.shutdown();
    for (const name of [...asides(path), "out.json"])
      assert.deepEqual(lines(join(path, "..", name)), [encodeJson("logs", big)]);
    assert.ok(existsSync(join(path, "..", "out-other.json")));
  });

  test("what is there goes on; files of more than so many days go", async (t) => {
    const path = join(folder(t), "out.json");
    writeFileSync(path, "before\n");
    const old = join(path, "..", "out-2020-01-02T03-04-05.678.json");
    writeFileSync(old, "");
    const [exporter] = exporters({ path, rotation: { max_megabytes: 1, max_days: 3, localtime: true } }, ["logs"]);
    await exporter!.start();
    await exporter!.consume({ signal: "logs", bytes: big });
    assert.equal(lines(path).length, 2);
    await exporter!.consume({ signal: "logs", bytes: big });
    await exporter!.shutdown();
    assert.equal(lines(path).length, 1);
    assert.equal(asides(path).length, 1);
    assert.ok(!existsSync(old));
  });

  test("while the next file cannot be opened, batches are refused for now, and none is lost", async (t) => {
    const path = join(folder(t), "out.json");
    let broken = false;
    const openFile = async (): Promise<SinkFile> => {
      if (broken) throw new Error("too many open files");
      return open(path, "a");
    };
    const config = { max_megabytes: 1, max_days: 0, max_backups: 0, localtime: false };
    const sink = new FileSink(path, openFile, new Rotation(path, config, silentLogger));
    await sink.open();
    const line = Buffer.alloc(700_000, "x").fill("\n", 699_999);
    await sink.write(line);
    broken = true;
    for (let attempt = 0; attempt < 2; attempt++)
      await assert.rejects(sink.write(line), (error) => error instanceof ConsumerError && !error.permanent);
    broken = false;
    await sink.write(line);
    await sink.close();
    assert.deepEqual([asides(path).length, statSync(path).size], [1, line.length]);
  });
});

test("many at once, and many one after the other: all in order, none lost", async (t) => {
  const path = join(folder(t), "out.json");
  const [exporter] = exporters({ path }, ["logs"]);
  await exporter!.start();
  const record = (n: number): Uint8Array =>
    decodeJson("logs", `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"intValue":"${n}"}}]}]}]}`);
  await Promise.all(Array.from({ length: 200 }, (_, n) => exporter!.consume({ signal: "logs", bytes: record(n) })));
  for (let n = 200; n < 300; n++) await exporter!.consume({ signal: "logs", bytes: record(n) });
  const last = exporter!.consume({ signal: "logs", bytes: record(300) });
  await exporter!.shutdown();
  await last;
  assert.deepEqual(
    lines(path).map((line) => Number(/"intValue":"(\d+)"/.exec(line)?.[1])),
    Array.from({ length: 301 }, (_, n) => n),
  );
});

test("append: what was there stays, or goes", async (t) => {
  const path = join(folder(t), "out.json");
  writeFileSync(path, "before\n");
  for (const append of [true, false]) {
    const [exporter] = exporters({ path, append }, ["logs"]);
    await exporter!.start();
    await exporter!.consume({ signal: "logs", bytes: new Uint8Array() });
    await exporter!.shutdown();
    assert.deepEqual(lines(path), append ? ["before", "{}"] : ["{}"]);
  }
});

test("a file that is truncated from outside goes on at its beginning", async (t) => {
  const path = join(folder(t), "out.json");
  const [exporter] = exporters({ path }, ["logs"]);
  await exporter!.start();
  await exporter!.consume({ signal: "logs", bytes: buildPayload("logs", 10) });
  truncateSync(path);
  await exporter!.consume({ signal: "logs", bytes: new Uint8Array() });
  await exporter!.shutdown();
  assert.deepEqual(lines(path), ["{}"]);
});

test("a folder that does not exist: refused with advice, or created", async (t) => {
  const path = join(folder(t), "a", "b", "out.json");
  const [refused] = exporters({ path }, ["logs"]);
  await assert.rejects(refused!.start(), (error) => {
    assert.ok(error instanceof ConfigError);
    assert.match(
      error.message,
      /^exporters::file\/out::path: cannot open .*out\.json: ENOENT.*create_directory: true\.$/,
    );
    return true;
  });
  await refused!.shutdown();
  const [created] = exporters({ path, create_directory: true, directory_permissions: "0700" }, ["logs"]);
  await created!.start();
  await created!.shutdown();
  assert.equal(statSync(path).size, 0);
  if (process.platform !== "win32") assert.equal(statSync(join(path, "..")).mode & 0o777, 0o700);
});

test("bytes that are not well-formed are a permanent error, and nothing is written", async (t) => {
  const path = join(folder(t), "out.json");
  const [exporter] = exporters({ path }, ["logs"]);
  await exporter!.start();
  await assert.rejects(exporter!.consume({ signal: "logs", bytes: Uint8Array.of(0x0a, 5) }), (error) => {
    assert.ok(error instanceof ConsumerError && error.permanent);
    return true;
  });
  await exporter!.shutdown();
  assert.deepEqual(lines(path), []);
});

/** A file whose disk is full after so many bytes, in the middle of a write. */
async function filling(path: string, room: { bytes: number }): Promise<SinkFile> {
  const file = await open(path, "a");
  return {
    async appendFile(bytes) {
      const fits = bytes.subarray(0, room.bytes);
      await file.appendFile(fits);
      room.bytes -= fits.length;
      if (fits.length < bytes.length)
        throw Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" });
    },
    stat: () => file.stat(),
    truncate: (length) => file.truncate(length),
    close: () => file.close(),
  };
}

test("a full disk: retryable, the half-written batch is taken back, and the next one goes on", async (t) => {
  const path = join(folder(t), "out.txt");
  writeFileSync(path, "before\n");
  const room = { bytes: 8 };
  const sink = new FileSink(path, () => filling(path, room));
  await sink.open();
  await sink.write(Buffer.from("first\n"));
  const outcomes = await Promise.allSettled([sink.write(Buffer.from("second\n")), sink.write(Buffer.from("third\n"))]);
  for (const outcome of outcomes) {
    assert.equal(outcome.status, "rejected");
    const { reason } = outcome as PromiseRejectedResult;
    assert.ok(reason instanceof ConsumerError && !reason.permanent);
    assert.equal(reason.message, `cannot write to ${path}: ENOSPC: no space left on device`);
  }
  assert.equal(readFileSync(path, "utf8"), "before\nfirst\n");
  room.bytes = 100;
  await sink.write(Buffer.from("fourth\n"));
  await sink.close();
  assert.equal(readFileSync(path, "utf8"), "before\nfirst\nfourth\n");
});

test("a queue in front, where it is switched on: what waits goes in one line", async (t) => {
  const path = join(folder(t), "out.json");
  const config = schema.parse({ path, sending_queue: { batch: { flush_timeout: "1h", min_size: 4 } } });
  const exporter = fileExporter.create(settingsWith({ id: "file", signal: "logs" }), config);
  await exporter.start();
  const bytes = buildPayload("logs", 2);
  await Promise.all([0, 1].map(() => exporter.consume({ signal: "logs", bytes })));
  assert.deepEqual(lines(path), [encodeJson("logs", Buffer.concat([bytes, bytes]))]);
  await exporter.shutdown();
});

test("the configuration: the Collector's defaults, and what is refused", () => {
  assert.deepEqual(schema.parse({ path: "x" }), {
    path: "x",
    format: "json",
    compression: "none",
    append: false,
    create_directory: false,
    directory_permissions: 0o755,
    flush_interval: 1000,
    retry_on_failure: optionalDeliveryKeys.retry_on_failure.parse(undefined),
    sending_queue: optionalDeliveryKeys.sending_queue.parse(undefined),
  });
  for (const wrong of [
    {},
    { path: "" },
    { path: "x", format: "text" },
    { path: "x", directory_permissions: "rwx" },
    { path: "x", flush_interval: "soon" },
    { path: "x", rotation: { max_megabytes: 0 } },
    { path: "x", rotation: {}, append: true },
    { path: "x", compression: "zstd", append: true },
    { path: "x", compression: "gzip" },
  ])
    assert.equal(schema.safeParse(wrong).success, false, JSON.stringify(wrong));
  assert.deepEqual([fileExporter.kind, fileExporter.type, fileExporter.signals], ["exporter", "file", SIGNALS]);
});

test("a folder that cannot be made is an error, also where mkdir with `recursive` never returns", async (t) => {
  const base = folder(t);
  writeFileSync(join(base, "file"), "");
  const places = [join(base, "file", "below")];
  if (process.platform === "linux") places.push("/proc/otelwasm/below");
  for (const place of places) {
    const [exporter] = exporters({ path: join(place, "out.json"), create_directory: true }, ["logs"]);
    await assert.rejects(
      exporter!.start(),
      (error) => error instanceof ConfigError && /cannot open .*out\.json: E/.test(error.message),
    );
  }
  const made = join(base, "a", "b");
  const [exporter] = exporters(
    { path: join(made, "out.json"), create_directory: true, directory_permissions: "0700" },
    ["logs"],
  );
  await exporter!.start();
  await exporter!.shutdown();
  assert.deepEqual([statSync(made).mode & 0o777, statSync(join(base, "a")).mode & 0o777], [0o700, 0o700]);
});
