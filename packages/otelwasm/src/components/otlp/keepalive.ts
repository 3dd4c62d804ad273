// Whether the other side of a connection is still there, and how long it may stay: https://grpc.io/docs/guides/keepalive/, with grpc-go's defaults and rules.
import * as z from "zod";
import { duration } from "../../config/values.ts";
import type { Http2Connection } from "../../transport/http2/connection.ts";
import { Http2Code, Http2Error } from "../../transport/http2/frames.ts";

/** In milliseconds; Infinity: never. */
export interface KeepaliveConfig {
  readonly maxIdle: number;
  readonly maxAge: number;
  readonly maxAgeGrace: number;
  /** How long nothing may have come before the client is asked. */
  readonly time: number;
  readonly timeout: number;
  /** Between two pings of a client. */
  readonly minTime: number;
  readonly permitWithoutStream: boolean;
}

const DEFAULT_TIME_MS = 7_200_000;
const DEFAULT_TIMEOUT_MS = 20_000;
const DEFAULT_MIN_TIME_MS = 300_000;
const LEAST_TIME_MS = 1_000;
/** Where pings without calls are not permitted, one in so many milliseconds is. */
const WITHOUT_STREAM_MS = 7_200_000;
const MAX_STRIKES = 2;
/** Of a connection's age, either way: clients that came together do not go together. */
const AGE_JITTER = 0.1;
const LONGEST_TIMER = 0x7fff_ffff;

const never = (milliseconds: number): number => (milliseconds === 0 ? Number.POSITIVE_INFINITY : milliseconds);

/** `keepalive`: 0 stands for the default everywhere, as in the Collector. */
export function keepalive(): z.ZodType<KeepaliveConfig> {
  const time = duration().default(0);
  return z
    .strictObject({
      server_parameters: z
        .strictObject({
          max_connection_idle: time,
          max_connection_age: time,
          max_connection_age_grace: time,
          time,
          timeout: time,
        })
        .prefault({}),
      enforcement_policy: z
        .strictObject({ min_time: time, permit_without_stream: z.boolean().default(false) })
        .prefault({}),
    })
    .prefault({})
    .transform(({ server_parameters: server, enforcement_policy: policy }) => ({
      maxIdle: never(server.max_connection_idle),
      maxAge: never(server.max_connection_age),
      maxAgeGrace: never(server.max_connection_age_grace),
      time: Math.max(LEAST_TIME_MS, server.time === 0 ? DEFAULT_TIME_MS : server.time),
      timeout: server.timeout === 0 ? DEFAULT_TIMEOUT_MS : server.timeout,
      minTime: policy.min_time === 0 ? DEFAULT_MIN_TIME_MS : policy.min_time,
      permitWithoutStream: policy.permit_without_stream,
    }));
}

/** What there is to know about the client's socket. */
interface Traffic {
  readonly bytesRead: number;
}

/** Of one connection. It looks at nothing of a request, but that one was answered. */
export class Keepalive {
  /** Something was sent since the last ping: then a ping is no offence, as gRPC's clients measure the way with it. */
  answered: boolean = false;
  readonly #config: KeepaliveConfig;
  readonly #connection: Http2Connection;
  readonly #traffic: Traffic;
  readonly #timers: Set<NodeJS.Timeout> = new Set();
  #strikes = 0;
  #lastPingAt = Number.NEGATIVE_INFINITY;
  #bytesRead = 0;
  /** The client was asked whether it is there. */
  #asked = false;
  #idleSince = 0;
  #waitsForIdle = false;

  constructor(config: KeepaliveConfig, connection: Http2Connection, traffic: Traffic) {
    this.#config = config;
    this.#connection = connection;
    this.#traffic = traffic;
    const { maxAge, maxAgeGrace, maxIdle, time } = config;
    this.#after(maxAge * (1 - AGE_JITTER + 2 * AGE_JITTER * Math.random()), () => {
      connection.goAway("max_age");
      this.#after(maxAgeGrace, () => connection.destroy(new Error("the connection was too old")));
    });
    this.#after(time, () => this.#look());
    if (maxIdle !== Number.POSITIVE_INFINITY) this.onStreamEnd();
  }

  /** To be called only if `maxIdle` is not Infinity. */
  onStreamEnd(): void {
    if (this.#connection.streams > 0) return;
    this.#idleSince = performance.now();
    if (this.#waitsForIdle) return;
    this.#waitsForIdle = true;
    this.#after(this.#config.maxIdle, () => this.#lookForIdle());
  }

  /** @throws Http2Error if the client does so too often */
  onPing(): void {
    const now = performance.now();
    const since = now - this.#lastPingAt;
    this.#lastPingAt = now;
    if (this.answered) {
      this.answered = false;
      this.#strikes = 0;
      return;
    }
    const { minTime, permitWithoutStream } = this.#config;
    const least = this.#connection.streams > 0 || permitWithoutStream ? minTime : WITHOUT_STREAM_MS;
    if (since < least && ++this.#strikes > MAX_STRIKES)
      throw new Http2Error(Http2Code.ENHANCE_YOUR_CALM, "too_many_pings");
  }

  close(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }

  /** Whether anything has come since it looked last. */
  #look(): void {
    const { bytesRead } = this.#traffic;
    const silent = bytesRead === this.#bytesRead;
    this.#bytesRead = bytesRead;
    if (silent && this.#asked) {
      this.#connection.destroy(new Error("the client does not answer pings"));
      return;
    }
    this.#asked = silent;
    if (silent) this.#connection.ping(() => {});
    this.#after(silent ? this.#config.timeout : this.#config.time, () => this.#look());
  }

  #lookForIdle(): void {
    this.#waitsForIdle = false;
    // The end of the last call begins it again.
    if (this.#connection.streams > 0) return;
    const left = this.#idleSince + this.#config.maxIdle - performance.now();
    if (left <= 0) {
      this.#connection.goAway("max_idle");
      return;
    }
    this.#waitsForIdle = true;
    this.#after(left, () => this.#lookForIdle());
  }

  #after(milliseconds: number, then: () => void): void {
    if (milliseconds > LONGEST_TIMER) return;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      then();
    }, milliseconds).unref();
    this.#timers.add(timer);
  }
}
