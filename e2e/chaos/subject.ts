/** The collector under test: the command, in a process of its own, on ports that stay the same however often it is ended and started. */
import { randomInt } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import type { Target } from "../clients.ts";
import { temporaryFolder } from "../guests.ts";
import { type Program, runOtelwasm } from "../process.ts";

/** Below the ports that systems give to those who ask for any: nobody takes one while its collector is down. */
const PORTS = [12_000, 29_000] as const;

/** The command's own metrics have a fixed port where nobody chooses one. */
export const NO_TELEMETRY = { metrics: { level: "none" } } as const;

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  const { promise, resolve } = Promise.withResolvers<boolean>();
  server.once("error", () => resolve(false)).once("listening", () => resolve(true));
  server.listen(port, "127.0.0.1");
  const free = await promise;
  if (free) await new Promise((closed) => server.close(closed));
  return free;
}

/** Not from the seed: others that play the same at the same time would choose the same, and take it while its collector is down. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(...PORTS);
    if (await isFree(port)) return port;
  }
}

export class Subject implements Target, AsyncDisposable {
  readonly #ports: { readonly grpc: number; readonly http: number };
  readonly #config: (receivers: object, turn: number) => object;
  readonly #file: string = join(temporaryFolder(), "config.yaml");
  #turn = 0;
  /** Of the collector that runs now. */
  #reloads = 0;
  #program: Program | undefined;
  /** What the collectors before this one have said at their end. */
  readonly lastWords: string[] = [];

  /** @param config given the receivers, and how often the configuration has been altered */
  static async create(config: (receivers: object, turn: number) => object): Promise<Subject> {
    return new Subject(config, { grpc: await freePort(), http: await freePort() });
  }

  constructor(
    config: (receivers: object, turn: number) => object,
    ports: { readonly grpc: number; readonly http: number },
  ) {
    this.#config = config;
    this.#ports = ports;
  }

  get grpcUrl(): string {
    return `http://127.0.0.1:${this.#ports.grpc}`;
  }

  get httpUrl(): string {
    return `http://127.0.0.1:${this.#ports.http}`;
  }

  get program(): Program {
    if (this.#program === undefined) throw new Error("the collector was not started");
    return this.#program;
  }

  /** Resolves when it takes data. */
  async start(): Promise<void> {
    this.#write();
    this.#reloads = 0;
    // JSON is YAML.
    this.#program = runOtelwasm(undefined, ["--config", this.#file]);
    await this.#program.waitFor(/Everything is ready/);
  }

  /** Alters the configuration and says so; resolves when the collector works with it. */
  async reload(): Promise<void> {
    this.#turn++;
    this.#write();
    this.program.child.kill("SIGHUP");
    await this.program.waitFor(new RegExp(`(?:Configuration reloaded[^]*?){${++this.#reloads}}`));
  }

  #write(): void {
    const endpoint = (protocol: "grpc" | "http"): object => ({ endpoint: `127.0.0.1:${this.#ports[protocol]}` });
    const receivers = { otlp: { protocols: { grpc: endpoint("grpc"), http: endpoint("http") } } };
    writeFileSync(this.#file, JSON.stringify(this.#config(receivers, this.#turn)));
  }

  async kill(): Promise<void> {
    this.program.child.kill("SIGKILL");
    await this.program.exit;
  }

  /** @returns exit code, and the milliseconds that it took to end */
  async terminate(): Promise<{ readonly code: number | NodeJS.Signals; readonly ms: number }> {
    const begun = performance.now();
    this.program.child.kill("SIGTERM");
    const code = await this.program.exit;
    if (code !== 0) this.lastWords.push(this.program.output.slice(-2000));
    return { code, ms: performance.now() - begun };
  }

  /** Of its memory, in bytes; undefined where the system does not say. */
  get rss(): number | undefined {
    return residentOf(this.program.child.pid);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#program?.[Symbol.asyncDispose]();
  }
}

function residentOf(pid: number | undefined): number | undefined {
  try {
    const found = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
    return found === null ? undefined : Number(found[1]) * 1024;
  } catch {
    return undefined;
  }
}
