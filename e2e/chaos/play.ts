/** Plays a scenario: load on a collector while things go wrong; then everything is well again, and the books must agree. */
import { setTimeout as pause } from "node:timers/promises";
import { exporter } from "../collector.ts";
import { SIGNALS } from "../proto.ts";
import { Random } from "../random.ts";
import { Destination } from "./destination.ts";
import { Disk } from "./disk.ts";
import { Ledger, type LedgerTotals } from "./ledger.ts";
import { Load } from "./load.ts";
import { RudeCompany } from "./rude.ts";
import type { Scenario } from "./scenario.ts";
import { NO_TELEMETRY, Subject } from "./subject.ts";

export interface PlayOptions {
  /** How long there is load, if nothing that happens takes longer; or until so many requests have an end, however long that takes. */
  readonly seconds?: number;
  readonly requests?: number;
  readonly seed: number;
  /** Requests in flight. Default 16. */
  readonly lanes?: number;
  /** How often things happen at most, whatever the scenario says. */
  readonly times?: number;
}

export interface Played {
  readonly scenario: Scenario;
  readonly seconds: number;
  readonly seed: number;
  readonly ledger: LedgerTotals;
  /** What happened, and how often: of the sink, of the line, of clients, to the collector. */
  readonly happened: ReadonlyMap<string, number>;
  /** The collector's largest memory, in bytes; 0 where the system does not say. */
  readonly rss: number;
  readonly problems: readonly string[];
}

/** The collector waits so long for an answer, and a millisecond more for each time that its configuration was altered. */
const TIMEOUT_MS = 1_000;
/** Where nobody is silent: a machine that is busy is no fault. */
const CALM_TIMEOUT_MS = 30_000;
const SILENCE_MS = 2_000;
/** Far more than what is left takes when everything is well. */
const PATIENCE_MS = 60_000;
/** How long a destination is away. */
const AWAY_MS = [100, 2_000] as const;
/** A start before which nothing was ever delivered proves little. */
const WARM_UP_MS = 300;
/** What the collector may take to end, with requests in flight to a destination that hangs. */
const STOP_MS = 30_000;

const RETRY = { enabled: true, initial_interval: "20ms", max_interval: "200ms", max_elapsed_time: "0s" } as const;
const QUEUES: Readonly<
  Record<Scenario["queue"], { readonly retry_on_failure: object; readonly sending_queue: object }>
> = {
  off: { retry_on_failure: { enabled: false }, sending_queue: { enabled: false } },
  memory: { retry_on_failure: RETRY, sending_queue: { enabled: true } },
  disk: { retry_on_failure: RETRY, sending_queue: { enabled: true, storage: "file_storage" } },
};

export async function play(scenario: Scenario, options: PlayOptions): Promise<Played> {
  const { seconds = 20, requests, seed, lanes = 16, times = Number.MAX_SAFE_INTEGER } = options;
  const begun = performance.now();
  const random = new Random(seed);
  const ledger = new Ledger();
  const happened = new Map<string, number>();
  const problems: string[] = [];
  await using destination = await Destination.start(ledger, scenario.outputs, random.fork(), { silenceMs: SILENCE_MS });
  const processors = (await scenario.processors?.()) ?? {};
  using disk = new Disk(scenario.disk?.size);
  await using subject = await Subject.create((receivers, turn) =>
    configOf(scenario, destination, processors, receivers, disk.folder, turn),
  );
  await subject.start();
  const watch = new MemoryWatch(subject);
  destination.shares = scenario.sink ?? {};
  destination.lineShares = scenario.line ?? {};
  await using load = new Load(ledger, subject, random.fork(), { lanes });
  const rude = scenario.rude ? new RudeCompany(ledger, subject, random.fork()) : undefined;
  let over = false;
  const enough = (requests === undefined ? pause(seconds * 1000) : load.settled(requests)).then(() => {
    over = true;
  });
  await pause(WARM_UP_MS);
  await happen();
  await enough;
  await rude?.stop();
  if (scenario.queue === "disk") await destination.heal();
  const stopped = load.stop(PATIENCE_MS);
  // Whoever has no queue hears of the last faults, too; after that nothing may stand in the way of the last requests.
  const healing = setTimeout(() => void destination.heal(), SILENCE_MS);
  await stopped;
  clearTimeout(healing);
  if (scenario.queue !== "disk") problems.push(...ledger.problems().map((problem) => `before the stop: ${problem}`));
  else await drained();
  await stop();
  problems.push(...ledger.problems(), ...(rude?.problems.slice(0, 5) ?? []));
  const totals = ledger.totals;
  const failed = [...totals.outcomes].filter(([what]) => what !== "a rude client's");
  if (scenario.calm && failed.length > 0)
    problems.push(`well-behaved clients were told: ${failed.map(([what, count]) => `${what} (${count})`).join(", ")}`);
  if (totals.acknowledged === 0) problems.push("not one request was acknowledged");
  for (const each of [destination.faults, destination.lineFaults, rude?.outcomes ?? []])
    for (const [what, count] of each) happened.set(what, count);
  return {
    scenario,
    seconds: Math.round((performance.now() - begun) / 100) / 10,
    seed,
    ledger: totals,
    happened,
    rss: watch.stop(),
    problems,
  };

  async function happen(): Promise<void> {
    const { happens } = scenario;
    if (happens === undefined) return;
    const most = Math.min(times, happens.times ?? Number.MAX_SAFE_INTEGER);
    // Once at least: on a fast machine the requests may have their end before anything has happened. Load goes on until this is over.
    for (let time = 0; time < most && (happens.times !== undefined || time === 0 || !over); time++) {
      await pause(random.between(...happens.every));
      happened.set(happens.what, (happened.get(happens.what) ?? 0) + 1);
      switch (happens.what) {
        case "kill -9": {
          await kill();
          await subject.start();
          break;
        }
        case "SIGTERM": {
          await stop();
          await subject.start();
          break;
        }
        case "SIGHUP": {
          await subject.reload();
          break;
        }
        case "destination away over a restart": {
          await destination.disappear();
          await pause(random.between(...AWAY_MS));
          if (random.next() < 0.5) await kill();
          else await stop();
          await subject.start();
          await pause(random.between(...AWAY_MS));
          await destination.appear();
          break;
        }
        case "disk full": {
          disk.fill();
          await pause(random.between(...AWAY_MS));
          disk.empty();
          break;
        }
        case "destination away": {
          await destination.disappear();
          await pause(random.between(...AWAY_MS));
          await destination.appear();
          break;
        }
      }
    }
  }

  async function kill(): Promise<void> {
    destination.mark("kill -9");
    ledger.kills.push(performance.now());
    await subject.kill();
  }

  async function stop(): Promise<void> {
    const { code, ms } = await subject.terminate();
    if (code !== 0) problems.push(`the collector ended with ${code}: ${subject.lastWords.at(-1)}`);
    if (ms > STOP_MS) problems.push(`the collector took ${Math.round(ms)} ms to end`);
  }

  /** Until everything that was acknowledged is there, or nothing has come for long. */
  async function drained(): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS;
    while (!ledger.lost().next().done && performance.now() < deadline) await pause(50);
  }
}

function configOf(
  { outputs, queue, sendingQueue, disk, calm }: Scenario,
  destination: Destination,
  processors: Readonly<Record<string, unknown>>,
  receivers: object,
  folder: string,
  turn: number,
): object {
  const { retry_on_failure, sending_queue } = QUEUES[queue];
  const more = {
    timeout: `${(calm ? CALM_TIMEOUT_MS : TIMEOUT_MS) + turn}ms`,
    retry_on_failure,
    sending_queue: { ...sending_queue, ...sendingQueue },
  };
  const exporters = Object.fromEntries(outputs.map((output) => [output, exporter(output, destination, more)]));
  const pipeline = { receivers: ["otlp"], processors: Object.keys(processors), exporters: outputs };
  const stored = queue === "disk";
  const limit = disk?.maxSize === undefined ? {} : { max_size: disk.maxSize };
  return {
    receivers,
    processors,
    exporters,
    ...(stored ? { extensions: { file_storage: { directory: folder, ...limit } } } : {}),
    service: {
      telemetry: NO_TELEMETRY,
      ...(stored ? { extensions: ["file_storage"] } : {}),
      pipelines: Object.fromEntries(SIGNALS.map((signal) => [signal, pipeline])),
    },
  };
}

const WATCH_MS = 100;

/** The largest that was seen. */
class MemoryWatch {
  #largest = 0;
  readonly #timer: NodeJS.Timeout;

  constructor(subject: Subject) {
    this.#timer = setInterval(() => {
      this.#largest = Math.max(this.#largest, subject.rss ?? 0);
    }, WATCH_MS);
  }

  stop(): number {
    clearInterval(this.#timer);
    return this.#largest;
  }
}
