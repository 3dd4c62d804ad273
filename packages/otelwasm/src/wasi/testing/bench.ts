import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LineLogger } from "../../plugin/testing/guests.ts";
import type { Runtime } from "../../runtime/contract.ts";
import { type Pin, pinByDescriptor } from "../files/pin.ts";
import { type FileGrant, NO_GRANTS, type WasiGrants } from "../grants.ts";
import { WasiGuest } from "./guest.ts";

/** What the tests of files are about. */
export interface Subject {
  readonly runtime: Runtime;
  readonly pin: Pin;
}

/** Whether names are looked up in open directories, which no other process can exchange. */
export function isRaceFree({ pin }: Subject): boolean {
  return pin === pinByDescriptor;
}

/** A guest with a directory of its own at 3, `/data`, which it may write. */
export interface Sandbox extends AsyncDisposable {
  readonly guest: WasiGuest;
  /** The granted directory on the host; its parent is the test's, too. */
  readonly host: string;
  readonly lines: string[];
}

export async function sandbox(
  { runtime, pin }: Subject,
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
  const guest = await WasiGuest.create(runtime, { grants: { ...NO_GRANTS, files, ...grants }, logger, pin });
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
