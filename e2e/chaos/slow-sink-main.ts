/** The main module of `slow-sink.ts`. */
import { setTimeout as pause } from "node:timers/promises";
import { accept, startSink } from "../sink.ts";
import type { SlowSinkMessage, SlowSinkOptions, Taken } from "./slow-sink.ts";

const TELL_MS = 50;

let taken: Taken[] = [];
const say = (message: SlowSinkMessage): void => void process.send?.(message);
const tell = (): void => {
  if (taken.length > 0) say({ taken });
  taken = [];
};

async function start({ atOnce, holdMs }: SlowSinkOptions): Promise<void> {
  const sink = await startSink();
  sink.keep = false;
  let serving = 0;
  const waiting: (() => void)[] = [];
  sink.respond = async ({ signal, message }) => {
    // Whoever ends hands its place on.
    if (serving < atOnce) serving++;
    else {
      await new Promise<void>((resolve) => {
        waiting.push(resolve);
      });
    }
    await pause(holdMs);
    const next = waiting.shift();
    if (next === undefined) serving--;
    else next();
    taken.push({ signal, message });
    return accept;
  };
  setInterval(tell, TELL_MS);
  say({ target: { grpcUrl: sink.grpcUrl, httpUrl: sink.httpUrl } });
}

process.on("message", (message: SlowSinkOptions | "tell") => {
  if (message !== "tell") {
    void start(message);
    return;
  }
  tell();
  say({ told: true });
});
process.on("disconnect", () => process.exit());
