/** What is acknowledged when it is on the disk. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { runOtelwasm } from "../process.ts";
import { Disk, whyNoDisk } from "./disk.ts";
import { SCENARIOS } from "./scenarios.ts";
import { NO_TELEMETRY } from "./subject.ts";
import { testScenario } from "./testing.ts";

for (const scenario of SCENARIOS) if (scenario.queue === "disk") testScenario(scenario);

test("a disk that is read-only: the collector does not start, and says which", {
  skip: whyNoDisk() ?? false,
}, async () => {
  using disk = new Disk("4m");
  disk.readOnly();
  await using program = runOtelwasm({
    receivers: { otlp: { protocols: { http: { endpoint: "127.0.0.1:0" } } } },
    exporters: { otlp_http: { endpoint: "http://127.0.0.1:1", sending_queue: { storage: "file_storage" } } },
    extensions: { file_storage: { directory: disk.folder } },
    service: {
      telemetry: NO_TELEMETRY,
      extensions: ["file_storage"],
      pipelines: { logs: { receivers: ["otlp"], exporters: ["otlp_http"] } },
    },
  });
  assert.equal(await program.exit, 1, program.output);
  assert.ok(program.output.includes(disk.folder), program.output);
  assert.match(program.output, /read-only|readonly/i);
});
