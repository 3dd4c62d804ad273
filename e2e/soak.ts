/**
 * One batch through the attributes plugin, over and over: memory must stay where it is, in the guest and in the process.
 *
 *     node scripts/run.mjs e2e/soak.ts [BATCHES]      a million by default; prints figures, ends with 1 when memory grew
 */
import { setImmediate } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { BASIC_CAPABILITIES, create, loadPlugin, type Memory, register } from "otelwasm";
import { buildAttributesPlugin } from "../examples/attributes/build.ts";
import { everyField } from "./payload.ts";

export interface MemoryFigures {
  /** The guest's linear memory, in bytes. */
  readonly guest: number;
  /** JavaScript objects alive after a garbage collection, and the buffers that they hold, in bytes. */
  readonly heap: number;
  readonly buffers: number;
  /** The process, in bytes. */
  readonly rss: number;
}

export interface SoakResult {
  readonly batches: number;
  readonly batchBytes: number;
  /** The guest's memory after the first few batches, in bytes. */
  readonly guestAtBeginning: number;
  readonly halfway: MemoryFigures;
  readonly atEnd: MemoryFigures;
  readonly batchesPerSecond: number;
}

/** The guest's memory after so few batches is what it must be after any number. */
const WARM_UP = 10;

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** The embedded engine, seen from outside: the memories of its instances, which a plugin does not show. */
const memories: Memory[] = [];
register("observed", {
  capabilities: () => ({ ...BASIC_CAPABILITIES, deadline: false, memoryLimit: false }),
  validate: () => [],
  async create() {
    const runtime = await create();
    return {
      type: "observed",
      capabilities: runtime.capabilities,
      compile: (binary) => runtime.compile(binary),
      async instantiateWithHost(module, hostModule, options) {
        const made = await runtime.instantiateWithHost(module, hostModule, options);
        if (made.instance.memory !== undefined) memories.push(made.instance.memory);
        return made;
      },
      close: () => runtime.close(),
    };
  },
});

async function measure(guest: Memory): Promise<MemoryFigures> {
  // V8 frees the buffers of a collection on another thread: they are off its books with the next one.
  for (let n = 0; n < 3; n++) {
    collectGarbage();
    await setImmediate();
  }
  const { heapUsed, arrayBuffers, rss } = process.memoryUsage();
  return { guest: guest.byteLength, heap: heapUsed, buffers: arrayBuffers, rss };
}

/** Pushes a fixed batch, every field and unknown ones in it, through the plugin; every action of it has something to do. */
export async function soak(batches: number): Promise<SoakResult> {
  const plugin = await loadPlugin({
    path: await buildAttributesPlugin(),
    id: "wasm/soak",
    role: "processor",
    signals: ["logs"],
    runtimeConfig: { type: "observed" },
    // The engine is known to this thread alone.
    isolation: "inline",
    pluginConfig: {
      actions: [
        { key: "deployment.environment", value: "soak", action: "insert" },
        { key: "deployment.environment", value: "longer than it was before", action: "update" },
        { key: "digest", from_attribute: "deployment.environment", action: "insert" },
        { key: "digest", action: "hash" },
        { key: "gone", value: 1, action: "upsert" },
        { key: "gone", action: "delete" },
      ],
    },
  });
  const bytes = everyField("logs", { unknownFields: true });
  const batch = { signal: "logs", bytes } as const;
  let expected: Buffer | undefined;
  const push = async (): Promise<void> => {
    const results = await plugin.consume(batch);
    if (results?.length !== 1) throw new Error(`${results?.length ?? "no"} results for one batch`);
    expected ??= Buffer.from(results[0]!);
    if (!expected.equals(results[0]!)) throw new Error("the same batch gave another result");
  };

  await plugin.start();
  const memory = memories.at(-1)!;
  for (let n = 0; n < WARM_UP; n++) await push();
  const guestAtBeginning = memory.byteLength;
  const pushHalf = async (): Promise<number> => {
    const begun = performance.now();
    for (let n = 0; n < batches / 2; n++) await push();
    return performance.now() - begun;
  };
  const first = await pushHalf();
  const halfway = await measure(memory);
  const second = await pushHalf();
  const atEnd = await measure(memory);
  await plugin.shutdown();
  const batchesPerSecond = Math.round((batches / (first + second)) * 1000);
  return { batches, batchBytes: bytes.length, guestAtBeginning, halfway, atEnd, batchesPerSecond };
}

const MIB = 1024 * 1024;
/**
 * What differs between two moments whatever was done. What JavaScript holds is exact after a collection; the process is not: V8 lets results that nobody
 * holds pile up to some 100 MB before it collects them, and the allocator keeps those pages. Six million batches end where one million does.
 */
const TOLERANCE = { heap: 2 * MIB, buffers: 1 * MIB, rss: 160 * MIB } as const;

/** What grew, in words; empty when memory is flat. */
export function growth({ guestAtBeginning, halfway, atEnd }: SoakResult): string[] {
  const grown: string[] = [];
  if (atEnd.guest !== guestAtBeginning) grown.push(`guest memory from ${guestAtBeginning} to ${atEnd.guest} bytes`);
  for (const name of ["heap", "buffers", "rss"] as const) {
    const more = atEnd[name] - halfway[name];
    if (more > TOLERANCE[name]) grown.push(`${name} by ${more} bytes, from ${halfway[name]}`);
  }
  return grown;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const result = await soak(Number(process.argv[2] ?? 1_000_000));
  console.log(JSON.stringify(result, undefined, 2));
  const grown = growth(result);
  console.log(grown.length === 0 ? "memory is flat" : `memory grew: ${grown.join("; ")}`);
  process.exitCode = grown.length === 0 ? 0 : 1;
}
