import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LineLogger } from "../../plugin/testing/guests.ts";
import type { Runtime } from "../../runtime/contract.ts";
import { type FileGrant, NO_GRANTS, type WasiGrants } from "../grants.ts";
import { WasiGuest } from "./guest.ts";

/** A guest with a directory of its own at 3, `/data`, which it may write. */
export interface Sandbox extends AsyncDisposable {
  readonly guest: WasiGuest;
  /** The granted directory on the host; its parent is the test's, too. */
  readonly host: string;
  readonly lines: string[];
}

export async function sandbox(
  runtime: Runtime,
  grants: Partial<WasiGrants> = {},
  more: (host: string) => readonly FileGrant[] = () => [],
  prepare: (host: string) => void = () => undefined,
): Promise<Sandbox> {
  // A name that is not itself behind a link, as those in macOS are.
  const base = realpathSync(mkdtempSync(join(tmpdir(), "otelwasm-wasi-")));
  const host = mkdtempSync(join(base, "data-"));
  prepare(host);
  const logger = new LineLogger();
  const files = [{ host, guest: "/data", writable: true }, ...more(host)];
  const guest = await WasiGuest.create(runtime, { grants: { ...NO_GRANTS, files, ...grants }, logger });
  return {
    guest,
    host,
    lines: logger.lines,
    async [Symbol.asyncDispose]() {
      await guest[Symbol.asyncDispose]();
      rmSync(base, { recursive: true });
    },
  };
}
