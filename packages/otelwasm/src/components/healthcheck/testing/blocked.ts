/** A collector of the library whose event loop stands still when it is told to, for as long as it is told. Nothing but the test keeps it alive. */
import { createCollector } from "../../../service/create.ts";

const collector = await createCollector({
  receivers: { otlp: { protocols: { http: { endpoint: "127.0.0.1:0" } } } },
  exporters: { nop: {} },
  extensions: { health_check: { endpoint: "127.0.0.1:0", watchdog: { loop_timeout: "300ms" } } },
  service: { extensions: ["health_check"], pipelines: { logs: { receivers: ["otlp"], exporters: ["nop"] } } },
});
await collector.start();
process.send!(collector.endpoints.find(({ protocol }) => protocol === "health_check")!.url);
const nobody = new Int32Array(new SharedArrayBuffer(4));
process.on("message", (milliseconds: number) => {
  if (milliseconds > 0) Atomics.wait(nobody, 0, 0, milliseconds);
  else void collector.shutdown().then(() => process.disconnect?.());
});
