import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { validateConfig } from "../../service/create.ts";
import { fileStorageExtension } from "./factory.ts";
import { folder } from "./testing/leases.ts";

const PIPELINE = {
  receivers: { otlp: { protocols: { http: null } } },
  exporters: { nop: null },
  service: { extensions: ["file_storage"], pipelines: { logs: { receivers: ["otlp"], exporters: ["nop"] } } },
};

function issues(file_storage: object | null): Promise<readonly string[]> {
  return validateConfig({ ...PIPELINE, extensions: { file_storage } });
}

describe("the configuration of file_storage", () => {
  test("the example of the Collector's documentation is taken as it is", async (t) => {
    assert.deepEqual(
      await issues({
        directory: folder(t),
        timeout: "1s",
        compaction: { on_start: true, directory: "/tmp/", max_transaction_size: 65_536 },
        fsync: false,
      }),
      [],
    );
  });

  test("the Collector's defaults, but that what is acknowledged is on the disk", () => {
    const { compaction, ...rest } = fileStorageExtension.schema.parse({}) as Record<string, unknown>;
    if (process.platform !== "win32") assert.equal(rest.directory, "/var/lib/otelcol/file_storage");
    assert.deepEqual(rest, {
      directory: rest.directory,
      create_directory: false,
      directory_permissions: 0o750,
      timeout: 1000,
      fsync: true,
      recreate: false,
      max_size: 0,
    });
    assert.equal((compaction as { on_start: boolean }).on_start, false);
  });

  test("what is wrong is refused with its path", async (t) => {
    const directory = folder(t);
    const file = join(directory, "file");
    writeFileSync(file, "");
    assert.deepEqual(await issues({ directory, max_size: 1000 }), [
      "extensions::file_storage::max_size: must be 0, which is no limit, or at least 1MiB",
    ]);
    assert.deepEqual(await issues({ directory, sync: true }), [
      'extensions::file_storage::sync: unknown key; did you mean "fsync"?',
    ]);
    assert.deepEqual(await issues({ directory: file }), [
      `extension "file_storage" cannot be created: extensions::file_storage::directory: ${file} is not a directory`,
    ]);
    const missing = join(directory, "missing");
    assert.deepEqual(await issues({ directory: missing }), [
      `extension "file_storage" cannot be created: extensions::file_storage::directory: directory must exist: ${missing}. You can enable the create_directory option to create it`,
    ]);
    assert.deepEqual(await issues({ directory: missing, create_directory: true }), []);
    assert.ok(!existsSync(missing), "validating creates nothing");
  });
});
