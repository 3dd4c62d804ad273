/** The collector under test: the command, in a process of its own, on ports that stay the same however often it is ended and started. */
import { randomInt } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import type { Target } from "../clients.ts";
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
  readonly #config: (receivers: object) => object;
  #program: Program | undefined;
  /** What the collectors before this one have said at their end. */
  readonly lastWords: string[] = [];

  /** @param config given the receivers */
  static async create(config: (receivers: object) => object): Promise<Subject> {
    return new Subject(config, { grpc: await freePort(), http: await freePort() });
  }

  constructor(config: (receivers: object) => object, ports: { readonly grpc: number; readonly http: number }) {
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
    const endpoint = (protocol: "grpc" | "http"): object => ({ endpoint: `127.0.0.1:${this.#ports[protocol]}` });
    const config = this.#config({ otlp: { protocols: { grpc: endpoint("grpc"), http: endpoint("http") } } });
    this.#program = runOtelwasm(config);
    await this.#program.waitFor(/Everything is ready/);
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
