/**
 * How many batches a second a store acknowledges that are on the disk then, by how many senders wait at the same time; beside it what one flush for each costs.
 * `node --conditions=otelwasm-source benchmarks/storage.ts [folder]`; the folder should be on the disk that is meant, not in memory. Default: the repository's.
 */
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { join, resolve } from "node:path";
import type { StorageClient } from "../packages/otelwasm/src/component/storage.ts";
import { lease } from "../packages/otelwasm/src/components/filestorage/directories.ts";

const SECONDS = 2;
const ROUNDS = 3;
const SIZES = [4_000, 40_000];
const SENDERS = [1, 10, 100];
const OWNER = { kind: "exporter", id: "bench", signal: "logs" } as const;

interface Figures {
  readonly acknowledged: number;
  readonly flushes: number;
}

/** A second's. */
function perSecond({ acknowledged, flushes }: Figures, milliseconds: number): Figures {
  return { acknowledged: (acknowledged / milliseconds) * 1000, flushes: (flushes / milliseconds) * 1000 };
}

/** The least that one flush for each can do: written at the end of a file, and flushed. */
function flushEach(folder: string, value: Uint8Array): Figures {
  const file = openSync(join(folder, "log"), "w");
  const begun = performance.now();
  let acknowledged = 0;
  for (; performance.now() - begun < SECONDS * 1000; acknowledged++) {
    writeSync(file, value);
    fdatasyncSync(file);
  }
  const figures = perSecond({ acknowledged, flushes: acknowledged }, performance.now() - begun);
  closeSync(file);
  return figures;
}

/** Each batch is deleted when the next was acknowledged, as an exporter does that delivers. */
async function sender(client: StorageClient, name: string, value: Uint8Array, end: number): Promise<number> {
  let acknowledged = 0;
  for (; performance.now() < end; acknowledged++) {
    await client.batch([
      { type: "set", key: `${name}-${acknowledged}`, value },
      { type: "delete", key: `${name}-${acknowledged - 1}` },
    ]);
  }
  return acknowledged;
}

async function store(folder: string, value: Uint8Array, senders: number): Promise<Figures> {
  const opened = await lease(
    { directory: folder, timeout: 1000, fsync: true, maxSize: 0, compact: false },
    { recovered: () => {}, warning: (message) => console.error(message), failed: (message) => console.error(message) },
  );
  const client = await opened.open(OWNER);
  await client.batch([{ type: "set", key: "first", value }]);
  const before = await opened.stats();
  const begun = performance.now();
  const counts = await Promise.all(
    Array.from({ length: senders }, (_, n) => sender(client, String(n), value, begun + SECONDS * 1000)),
  );
  const took = performance.now() - begun;
  const after = await opened.stats();
  await opened.end();
  const acknowledged = counts.reduce((sum, count) => sum + count, 0);
  return perSecond({ acknowledged, flushes: after.commits - before.commits }, took);
}

function median(figures: readonly Figures[]): Figures {
  const sorted = figures.toSorted((a, b) => a.acknowledged - b.acknowledged);
  return sorted[sorted.length >> 1] ?? { acknowledged: 0, flushes: 0 };
}

const base = resolve(process.argv[2] ?? join(import.meta.dirname, ".."));
console.log(
  "| batch | | acknowledged a second | ratio | flushes a second | batches a flush |\n|---|---|---|---|---|---|",
);
for (const size of SIZES) {
  const value = crypto.getRandomValues(new Uint8Array(size));
  const kinds = ["one flush for each", ...SENDERS.map((senders) => `${senders} at a time`)];
  const found = new Map<string, Figures[]>(kinds.map((kind) => [kind, []]));
  // Turn by turn, so that what else the disk does meets all of them.
  for (let round = 0; round < ROUNDS; round++) {
    for (const [index, kind] of kinds.entries()) {
      const folder = mkdtempSync(join(base, ".storage-benchmark-"));
      const senders = SENDERS[index - 1];
      try {
        found.get(kind)?.push(senders === undefined ? flushEach(folder, value) : await store(folder, value, senders));
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    }
  }
  const reference = median(found.get("one flush for each") ?? []).acknowledged;
  for (const [kind, figures] of found) {
    const { acknowledged, flushes } = median(figures);
    const [ratio, grouped] = [acknowledged / reference, acknowledged / flushes].map((value) => value.toFixed(1));
    console.log(
      `| ${size / 1000} kB | ${kind} | ${acknowledged.toFixed(0)} | ${ratio} | ${flushes.toFixed(0)} | ${grouped} |`,
    );
  }
}
