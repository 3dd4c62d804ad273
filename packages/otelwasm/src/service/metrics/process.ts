import { type Meter, ValueType } from "@opentelemetry/api";

/** What the process uses, under the Collector's names. Asked when somebody reads it. */
export function measureProcess(meter: Meter): void {
  meter
    .createObservableCounter("otelcol_process_uptime", { unit: "s", description: "Uptime of the process" })
    .addCallback((result) => result.observe(process.uptime()));
  meter
    .createObservableCounter("otelcol_process_cpu_seconds", {
      unit: "s",
      description: "Total CPU user and system time in seconds",
    })
    .addCallback((result) => {
      const { user, system } = process.cpuUsage();
      result.observe((user + system) / 1e6);
    });
  meter
    .createObservableGauge("otelcol_process_memory_rss", {
      unit: "By",
      valueType: ValueType.INT,
      description: "Total physical memory (resident set size)",
    })
    .addCallback((result) => result.observe(process.memoryUsage.rss()));
}
