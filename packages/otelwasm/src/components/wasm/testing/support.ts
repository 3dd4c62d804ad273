/** What the tests of the three kinds share. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Consumer } from "../../../component/component.ts";
import type { ComponentSettings } from "../../../component/factory.ts";
import { settingsWith } from "../../../component/testing/settings.ts";
import { data, type GuestParts, guest, imports, LineLogger } from "../../../plugin/testing/guests.ts";
import type { Batch, Signal } from "../../../telemetry/batch.ts";

let folder: string | undefined;
let files = 0;

/** Writes a plugin to a file that is gone when the process ends. @returns its path */
export function guestFile(parts: GuestParts): string {
  if (folder === undefined) {
    const made = mkdtempSync(join(tmpdir(), "otelwasm-"));
    process.on("exit", () => rmSync(made, { recursive: true, force: true }));
    folder = made;
  }
  const path = join(folder, `${files++}.wasm`);
  writeFileSync(path, guest(parts));
  return path;
}

export function settingsOf(
  signal: Signal,
  logger: LineLogger = new LineLogger(),
  more: Partial<ComponentSettings> = {},
): ComponentSettings {
  return settingsWith({ id: "wasm/test", signal, logger, ...more });
}

/** Keeps what it gets; `answer` decides what comes of it. */
export class Sink implements Consumer {
  readonly capabilities = { mutatesData: false };
  readonly batches: Batch[] = [];
  answer: (batch: Batch, count: number) => unknown = () => undefined;
  #waiting: { count: number; resolve: () => void }[] = [];

  async consume(batch: Batch): Promise<void> {
    // A copy: what is given may be taken away again by `answer`.
    this.batches.push({ signal: batch.signal, bytes: batch.bytes.slice() });
    const { length } = this.batches;
    this.#waiting = this.#waiting.filter(({ count, resolve }) => {
      if (length >= count) resolve();
      return length < count;
    });
    await this.answer(batch, length);
  }

  /** Resolves as soon as so many batches have come. */
  has(count: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    if (this.batches.length >= count) resolve();
    else this.#waiting.push({ count, resolve });
    return promise;
  }

  get bytes(): number[][] {
    return this.batches.map(({ bytes }) => [...bytes]);
  }
}

/** One log record, span or metric, told apart by the number of bytes in its unknown field. */
export function payload(n: number): number[] {
  const item = [0xa2, 6, n, ...Array<number>(n).fill(n)];
  return [0x0a, item.length + 4, 0x12, item.length + 2, 0x12, item.length, ...item];
}

/**
 * A plugin whose receivers set each of the payloads in order, then do what `rest` says (default: wait until shutdown is requested), and
 * say in the log when they are started and shut down.
 */
export function receiverGuest(payloads: readonly (readonly number[])[], rest?: string): GuestParts {
  let address = 4096;
  const segments: string[] = [];
  const calls = payloads.map((bytes) => {
    const text = bytes.map((byte) => `\\${byte.toString(16).padStart(2, "0")}`).join("");
    segments.push(`(data (i32.const ${address}) "${text}")`);
    const call = `(call $set_result_SIGNAL (i32.const ${address}) (i32.const ${bytes.length}))`;
    address += bytes.length;
    return call;
  });
  const loop = `${calls.join("\n")} ${rest ?? "(loop $again (br_if $again (i32.eqz (call $get_shutdown_requested))))"}`;
  const receivers = ["traces", "metrics", "logs"].map(
    (signal) => `(func (export "start_${signal}_receiver") ${loop.replaceAll("SIGNAL", signal)})`,
  );
  const say = (text: string, at: number): string =>
    `(call $log (i32.const 2) (i32.const ${at}) (i32.const ${text.length}))`;
  return {
    imports: imports("set_result_traces", "set_result_metrics", "set_result_logs", "get_shutdown_requested", "log"),
    start: `${say("started", 16)} (i32.const 0)`,
    shutdown: `${say("shut down", 32)} (i32.const 0)`,
    fields: [data(16, "started"), data(32, "shut down"), ...segments, ...receivers].join("\n"),
  };
}
