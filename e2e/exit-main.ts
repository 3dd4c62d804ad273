/** A program that uses a plugin whose guest spins, and ends when it is told: `exit-main.ts ENGINE ISOLATION`. */
import { loadPlugin } from "otelwasm";
import { compileGuest } from "./guests.ts";

const [type, isolation] = process.argv.slice(2) as [string, "worker" | "process"];
const say = (message: string): void => {
  if (message === "guest spins") console.log("spinning");
};
const logger = {
  trace: say,
  debug: say,
  info: say,
  warn: say,
  error: say,
  child: () => logger,
};
const plugin = await loadPlugin({
  id: "wasm/spinning",
  path: await compileGuest("spinning"),
  role: "processor",
  signals: ["logs"],
  runtimeConfig: { type },
  isolation,
  logger,
  limits: { callTimeoutMs: 60_000 },
});
await plugin.start();
process.on("SIGUSR2", () => process.exit(3));
await plugin.consume({ signal: "logs", bytes: new Uint8Array(10) });
