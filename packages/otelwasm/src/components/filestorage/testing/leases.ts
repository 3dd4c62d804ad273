import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { StorageOwner } from "../../../component/storage.ts";
import { type Lease, lease } from "../directories.ts";
import type { Recovery, StoreSettings } from "../protocol.ts";

export const OWNER: StorageOwner = { kind: "exporter", id: "otlp_http", signal: "logs" };

export function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "otelwasm-store-"));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

export interface Opened {
  readonly store: Lease;
  readonly recoveries: Recovery[];
  readonly warnings: string[];
}

export async function open(directory: string, settings: Partial<StoreSettings> = {}): Promise<Opened> {
  const recoveries: Recovery[] = [];
  const warnings: string[] = [];
  const store = await lease(
    { directory, timeout: 100, fsync: true, maxSize: 0, compact: false, ...settings },
    {
      recovered: (recovery) => void recoveries.push(recovery),
      warning: (message) => void warnings.push(message),
      failed: (message) => void warnings.push(message),
    },
  );
  return { store, recoveries, warnings };
}

/** The key of the n-th entry. */
export function keyOf(n: number): string {
  return String(n).padStart(8, "0");
}

/** Bytes that differ by entry and place, so that a wrong page would be seen. */
export function bytesOf(n: number, size = 3000): Uint8Array {
  const value = new Uint8Array(size);
  for (let at = 0, x = (n + 1) * 2654435761; at < size; at++) {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    value[at] = x >>> 24;
  }
  return value;
}
