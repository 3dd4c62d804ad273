// The collector under test, in a process of its own so that its CPU time can be told from the load's. Talks by IPC.
import { createCollector } from "otelwasm";
import { tuneHeap } from "../../packages/otelwasm/src/cli/heap.ts";

// As the command does in a process that is its own.
tuneHeap();
const config: unknown = JSON.parse(process.argv[2] ?? "{}");
const collector = await createCollector(config as object);
await collector.start();

process.on("message", (message) => {
  if (message === "usage") {
    const { user, system } = process.cpuUsage();
    process.send?.({ cpuSeconds: (user + system) / 1e6, rssBytes: process.memoryUsage.rss() });
  }
  if (message === "stop") void collector.shutdown().then(() => process.exit(0));
});
process.send?.({ endpoints: collector.endpoints });
