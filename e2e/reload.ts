/**
 * The command under load, reloaded again and again by SIGHUP, each time with something else changed; and the books about it: what was acknowledged has to be at the sink, and what the process
 * has open may not grow.
 *
 *     node scripts/run.mjs e2e/reload.ts [RELOADS]      200 by default; prints figures, ends with 1 when something is wrong
 */
import { once } from "node:events";
import { readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { buildAttributesPlugin } from "../examples/attributes/build.ts";
import { Deliveries, MARK, template } from "./deliveries.ts";
import { temporaryFolder } from "./guests.ts";
import { type Program, runProgram } from "./process.ts";
import { SIGNALS } from "./proto.ts";
import { grpcSender, httpSender, type Outcome, type Sender } from "./senders.ts";
import { startSink } from "./sink.ts";

/** What the system says of a process. */
export interface ProcessFigures {
  readonly rssMiB: number;
  /** Open files, sockets included. */
  readonly handles: number;
  readonly threads: number;
}

export interface ReloadResult {
  readonly reloads: number;
  /** Attempts to reload something that cannot be used. */
  readonly failed: number;
  readonly acknowledged: number;
  /** Not acknowledged, and tried again by the sender: how often, by what it was told. */
  readonly retried: Readonly<Record<string, number>>;
  readonly healthChecks: number;
  /** After the first few reloads, at each quarter of the way, and at the end, each without load. */
  readonly figures: readonly ProcessFigures[];
  readonly problems: readonly string[];
}

/** So many until everything has been loaded that is only loaded once. */
const WARM_UP = 10;
const LANES = 8;

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => once(server, "listening")));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => once(server.close(), "close")));
  return ports;
}

/** What changes from one reload to the next. */
interface Version {
  readonly plugin: number;
  readonly receiver: number;
  readonly exporter: number;
  readonly extension: number;
  readonly composition: number;
  readonly level: number;
}

type Ports = readonly [grpc: number, http: number, health: number, metrics: number];

function configOf(version: Version, [grpc, http, health, metrics]: Ports, sink: string, plugin: string): object {
  const actions = [
    { key: "guest.mark", value: MARK, action: "upsert" },
    { key: "version", value: version.plugin, action: "upsert" },
  ];
  const second = version.composition % 2 === 1 ? ["wasm/second"] : [];
  const pipeline = { receivers: ["otlp"], processors: ["wasm/first", ...second], exporters: ["otlp_http"] };
  return {
    receivers: {
      otlp: {
        protocols: {
          grpc: { endpoint: `127.0.0.1:${grpc}`, max_recv_msg_size_mib: 4 + (version.receiver % 2) },
          http: { endpoint: `127.0.0.1:${http}` },
        },
      },
    },
    processors: {
      "wasm/first": { path: plugin, plugin_config: { actions } },
      "wasm/second": { path: plugin, plugin_config: { actions: [{ key: "second", value: "yes", action: "upsert" }] } },
    },
    exporters: { otlp_http: { endpoint: sink, timeout: `${20 + (version.exporter % 2)}s` } },
    extensions: {
      health_check: {
        endpoint: `127.0.0.1:${health}`,
        response_body: version.extension % 2 === 1 ? { healthy: "fine" } : undefined,
      },
    },
    service: {
      extensions: ["health_check"],
      telemetry: {
        logs: { level: version.level % 2 === 1 ? "debug" : "info" },
        metrics: { readers: [{ pull: { exporter: { prometheus: { host: "127.0.0.1", port: metrics } } } }] },
      },
      pipelines: Object.fromEntries(SIGNALS.map((signal) => [signal, pipeline])),
    },
  };
}

function figuresOf(pid: number): ProcessFigures {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const number = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1]);
  return {
    rssMiB: Math.round(number("VmRSS") / 1024),
    handles: readdirSync(`/proc/${pid}/fd`).length,
    threads: number("Threads"),
  };
}

/** A custom section at its end: another file, the same plugin. */
function rebuilt(binary: Uint8Array, round: number): Uint8Array {
  const name = Buffer.from("round");
  const content = Buffer.from(String(round));
  return Buffer.concat([binary, Buffer.from([0, 1 + name.length + content.length, name.length]), name, content]);
}

/** Clients that send one request after the other, and each again until it is acknowledged, as OTLP asks of them. */
class Load {
  readonly books: Deliveries = new Deliveries();
  readonly retried: Record<string, number> = {};
  #over = false;
  readonly #lanes: Promise<void>[];

  constructor(senders: readonly Sender[]) {
    const templates = SIGNALS.map((signal) => ({ signal, make: template(signal) }));
    this.#lanes = senders.map(async (sender, lane) => {
      for (let turn = lane; !this.#over; turn++) {
        const { signal, make } = templates[turn % templates.length]!;
        const id = this.books.sent(signal);
        for (;;) {
          const outcome = await sender.send(signal, Buffer.from(make(id)));
          if (outcome.kind === "acknowledged") {
            this.books.acknowledged(id);
            break;
          }
          const why = wordsFor(outcome);
          this.retried[why] = (this.retried[why] ?? 0) + 1;
          if (outcome.kind === "refused" && !outcome.retryable) {
            this.books.refused(id, why);
            break;
          }
        }
      }
    });
  }

  async stop(): Promise<void> {
    this.#over = true;
    await Promise.all(this.#lanes);
  }
}

function wordsFor(outcome: Exclude<Outcome, { kind: "acknowledged" }>): string {
  return outcome.kind === "refused" ? `${outcome.code}: ${outcome.message}` : outcome.why;
}

/** Sends SIGHUP, and waits until the log has one more line that says how it went. */
class Hangups {
  readonly #program: Program;
  readonly #lines: AsyncIterator<string>;

  constructor(program: Program) {
    this.#program = program;
    this.#lines = createInterface({ input: program.child.stderr! })[Symbol.asyncIterator]();
  }

  async once(expected: "Configuration reloaded" | "Configuration not reloaded"): Promise<void> {
    this.#program.child.kill("SIGHUP");
    for (;;) {
      const { value, done } = await this.#lines.next();
      if (done === true) throw new Error(`the process has ended:\n${this.#program.output.slice(-2_000)}`);
      if (value.includes(expected)) return;
      if (/Configuration (?:not )?reloaded/.test(value))
        throw new Error(`expected "${expected}", the log says: ${value}`);
    }
  }
}

/** Plays it. Only where the system tells about processes as Linux does. */
export async function playReloads(reloads: number): Promise<ReloadResult> {
  const folder = temporaryFolder();
  const [path, plugin] = [join(folder, "config.yaml"), join(folder, "plugin.wasm")];
  const binary = readFileSync(await buildAttributesPlugin());
  const ports = (await freePorts(4)) as unknown as Ports;
  await using sink = await startSink();
  sink.keep = false;
  /** At once, so that nobody reads half of it. */
  const put = (file: string, content: string | Uint8Array): void => {
    writeFileSync(`${file}.new`, content);
    renameSync(`${file}.new`, file);
  };
  let version: Version = { plugin: 0, receiver: 0, exporter: 0, extension: 0, composition: 0, level: 0 };
  const write = (next: Version): void => {
    version = next;
    put(path, JSON.stringify(configOf(version, ports, sink.httpUrl, plugin)));
  };
  put(plugin, binary);
  write(version);
  const problems: string[] = [];
  let [healthChecks, failed] = [0, 0];

  await using program = runProgram(["packages/otelwasm/bin/otelwasm.js", "--config", path]);
  await program.waitFor(/Everything is ready/);
  const pid = program.child.pid!;
  const target = { httpUrl: `http://127.0.0.1:${ports[1]}`, grpcUrl: `http://127.0.0.1:${ports[0]}` };
  let watching = true;
  const watch = (async () => {
    while (watching) {
      const status = await fetch(`http://127.0.0.1:${ports[2]}/`, { headers: { connection: "close" } }).then(
        (response) => response.arrayBuffer().then(() => response.status),
        (error: Error) => `${error.message}: ${error.cause}`,
      );
      healthChecks++;
      if (status !== 200) problems.push(`the health check said ${status}`);
    }
  })();

  const hangups = new Hangups(program);
  const senders = Array.from({ length: LANES }, (_, lane) =>
    lane % 2 === 0 ? httpSender(target) : grpcSender(target),
  );
  let load = new Load(senders);
  const retried: Record<string, number> = {};
  const figures: ProcessFigures[] = [];
  let acknowledged = 0;
  /** Without load: what is in flight has buffers. */
  const measure = async (again: boolean): Promise<void> => {
    await load.stop();
    problems.push(...load.books.problems({ stopped: false }));
    acknowledged += load.books.totals.acknowledged;
    for (const [why, count] of Object.entries(load.retried)) retried[why] = (retried[why] ?? 0) + count;
    figures.push(figuresOf(pid));
    if (again) begin();
  };
  const begin = (): void => {
    load = new Load(senders);
    const { books } = load;
    sink.respond = ({ signal, message }) => {
      books.received(signal, message);
      return { kind: "accept" };
    };
  };
  await load.stop();
  begin();

  const changes: readonly ((round: number) => Version)[] = [
    (round) => ({ ...version, plugin: round }),
    () => ({ ...version, receiver: version.receiver + 1 }),
    () => ({ ...version, exporter: version.exporter + 1 }),
    () => ({ ...version, composition: version.composition + 1 }),
    () => ({ ...version, extension: version.extension + 1 }),
    () => ({ ...version, level: version.level + 1 }),
    (round) => {
      put(plugin, rebuilt(binary, round));
      return version;
    },
    (round) => ({
      plugin: round,
      receiver: round,
      exporter: round,
      extension: round,
      composition: round,
      level: round,
    }),
  ];
  for (let round = 1; round <= reloads; round++) {
    if (round % 10 === 0) {
      // Wrong in each of two ways: seen when it is read, and seen when its plugin starts.
      const good = version;
      if (round % 20 === 0) put(path, "receivers: {otlp: {protocols: {htp: }}}");
      else put(path, JSON.stringify(configOf(good, ports, sink.httpUrl, join(folder, "none.wasm"))));
      await hangups.once("Configuration not reloaded");
      failed++;
      write(good);
    }
    write(changes[round % changes.length]!(round));
    await hangups.once("Configuration reloaded");
    if (round === WARM_UP || (round % Math.ceil(reloads / 4) === 0 && round < reloads)) await measure(true);
  }
  await measure(false);
  watching = false;
  await watch;
  for (const sender of senders) sender.close();
  program.child.kill("SIGTERM");
  const code = await program.exit;
  if (code !== 0) problems.push(`the process ended with ${code}`);
  return { reloads, failed, acknowledged, retried, healthChecks, figures, problems };
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const result = await playReloads(Number(process.argv[2] ?? 200));
  console.log(JSON.stringify(result, undefined, 2));
  process.exitCode = result.problems.length > 0 ? 1 : 0;
}
