import { getHeapStatistics } from "node:v8";
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
  meter
    .createObservableGauge("otelcol_process_runtime_heap_alloc_bytes", {
      unit: "By",
      valueType: ValueType.INT,
      description: "Bytes of allocated heap objects (V8's used_heap_size)",
    })
    .addCallback((result) => result.observe(getHeapStatistics().used_heap_size));
  // Not every version of V8 counts them.
  if (totalAllocated() !== undefined)
    meter
      .createObservableCounter("otelcol_process_runtime_total_alloc_bytes", {
        unit: "By",
        valueType: ValueType.INT,
        description: "Cumulative bytes allocated for heap objects (V8's total_allocated_bytes)",
      })
      .addCallback((result) => {
        const bytes = totalAllocated();
        if (bytes !== undefined) result.observe(bytes);
      });
}

function totalAllocated(): number | undefined {
  const bytes: unknown = Reflect.get(getHeapStatistics(), "total_allocated_bytes");
  return typeof bytes === "number" ? bytes : undefined;
}
