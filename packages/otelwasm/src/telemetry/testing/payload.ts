import type { Signal } from "../batch.ts";
import { BackwardWriter, WireType } from "../writer.ts";

const METHODS = ["GET", "POST", "PUT", "DELETE"] as const;
const ROUTES = ["/api/cart", "/api/user", "/api/item", "/api/pay"] as const;
const START = 1_750_000_000_000_000_000n;

/** A fixed sequence of numbers in [0, 1): mulberry32. */
function sequence(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * In which order the fields of a message stand. `collector`: the largest number first, an attribute's value before its key, as the Collector and
 * all that uses its `pdata` writes them. `ascending`: as most SDKs write them.
 */
export type FieldOrder = "collector" | "ascending";

/** Protobuf is written from its end: the fields and items of a message are given in reverse. */
class PayloadBuilder {
  readonly writer = new BackwardWriter(1 << 16);
  readonly #order: FieldOrder;

  constructor(order: FieldOrder) {
    this.#order = order;
  }

  /** @param writes what writes each field, in descending order of their numbers */
  fields(...writes: (() => void)[]): void {
    for (const write of this.#order === "ascending" ? writes : writes.reverse()) write();
  }

  readonly #random = sequence(42);

  int(below: number): number {
    return Math.floor(this.#random() * below);
  }

  id(bytes: number): Uint8Array {
    return Uint8Array.from({ length: bytes }, () => this.int(256));
  }

  hex(): string {
    return this.int(2 ** 32)
      .toString(16)
      .padStart(8, "0");
  }

  user(): string {
    return `u${String(this.int(1_000_000)).padStart(6, "0")}`;
  }

  /** One `KeyValue` in field `number`. */
  attribute(number: number, key: string, value: string | number | boolean | { double: number }): void {
    const { writer } = this;
    const mark = writer.mark;
    this.fields(
      () => {
        const start = writer.mark;
        if (typeof value === "string") {
          writer.string(1, value);
        } else if (typeof value === "number") {
          writer.varint(value);
          writer.tag(3, WireType.VARINT);
        } else if (typeof value === "boolean") {
          writer.varint(value ? 1 : 0);
          writer.tag(2, WireType.VARINT);
        } else {
          writer.double(value.double);
          writer.tag(4, WireType.I64);
        }
        writer.message(2, start);
      },
      () => writer.string(1, key),
    );
    writer.message(number, mark);
  }

  /** Twelve attributes in field `number`. */
  itemAttributes(number: number, index: number): void {
    this.attribute(number, "retry", this.int(3));
    this.attribute(number, "zone", "eu-west-1a");
    this.attribute(number, "seq", index);
    this.attribute(number, "peer", `10.0.${this.int(256)}.${this.int(256)}`);
    this.attribute(number, "cache", this.int(2) === 0);
    this.attribute(number, "dur", { double: this.#random() });
    this.attribute(number, "http.response_size", this.int(60_000));
    this.attribute(number, "req.id", this.hex());
    this.attribute(number, "user.id", this.user());
    this.attribute(number, "http.status_code", 200 + this.int(300));
    this.attribute(number, "http.route", ROUTES[this.int(4)] ?? "");
    this.attribute(number, "http.method", METHODS[this.int(4)] ?? "");
  }

  /** Eight attributes, in a `Resource` in field 1. */
  resource(): void {
    const mark = this.writer.mark;
    this.attribute(1, "process.pid", 4711);
    this.attribute(1, "cloud.region", "eu-west-1");
    this.attribute(1, "k8s.namespace.name", "prod");
    this.attribute(1, "k8s.pod.name", "checkout-7c9f6d5b8-x2x9q");
    this.attribute(1, "host.name", "ip-10-0-12-7");
    this.attribute(1, "service.namespace", "shop");
    this.attribute(1, "service.version", "1.14.3");
    this.attribute(1, "service.name", "checkout");
    this.writer.message(1, mark);
  }

  fixed64(number: number, value: bigint): void {
    this.writer.fixed64(value);
    this.writer.tag(number, WireType.I64);
  }

  varint(number: number, value: number): void {
    this.writer.varint(value);
    this.writer.tag(number, WireType.VARINT);
  }

  log(index: number): void {
    const { writer } = this;
    const mark = writer.mark;
    const time = START + BigInt(index * 1000 + this.int(1000));
    this.fields(
      () => this.fixed64(11, time + 500n),
      () => writer.bytes(10, this.id(8)),
      () => writer.bytes(9, this.id(16)),
      () => this.itemAttributes(6, index),
      () => {
        const body = writer.mark;
        writer.string(1, `request ${this.hex()} done in ${this.int(900)} ms for user ${this.user()}, 0 errors`);
        writer.message(5, body);
      },
      () => writer.string(3, "INFO"),
      () => this.varint(2, 9),
      () => this.fixed64(1, time),
    );
    writer.message(2, mark);
  }

  span(index: number): void {
    const { writer } = this;
    const mark = writer.mark;
    const time = START + BigInt(index * 1000);
    this.fields(
      () => {
        const status = writer.mark;
        this.varint(3, 1);
        writer.message(15, status);
      },
      () => this.itemAttributes(9, index),
      () => this.fixed64(8, time + BigInt(this.int(100_000_000))),
      () => this.fixed64(7, time),
      () => this.varint(6, 2),
      () => writer.string(5, `checkout HTTP server ${METHODS[this.int(4)]} ${ROUTES[this.int(4)]}`),
      () => writer.bytes(4, this.id(8)),
      () => writer.bytes(2, this.id(8)),
      () => writer.bytes(1, this.id(16)),
    );
    writer.message(2, mark);
  }

  /** A cumulative sum with the data points from `first` to before `end`. */
  metric(first: number, end: number): void {
    const { writer } = this;
    const mark = writer.mark;
    this.varint(3, 1);
    this.varint(2, 2);
    for (let index = end - 1; index >= first; index--) {
      const point = writer.mark;
      this.fields(
        () => this.itemAttributes(7, index),
        () => this.fixed64(6, BigInt(this.int(1_000_000))),
        () => this.fixed64(3, START + BigInt(index * 1000)),
        () => this.fixed64(2, START),
      );
      writer.message(1, point);
    }
    writer.message(7, mark);
    writer.string(3, "1");
    writer.string(1, `http.server.requests.${first / 10}`);
    writer.message(2, mark);
  }

  items(signal: Signal, items: number): void {
    if (signal === "metrics") {
      for (let first = Math.floor((items - 1) / 10) * 10; first >= 0; first -= 10)
        this.metric(first, Math.min(first + 10, items));
      return;
    }
    for (let index = items - 1; index >= 0; index--) {
      if (signal === "logs") this.log(index);
      else this.span(index);
    }
  }
}

/**
 * A batch as a busy service sends it, the same for the same arguments: one resource with 8 attributes, one scope, and items with
 * 12 attributes each (about 367 bytes for a log record). Metrics are cumulative sums of 10 data points each.
 *
 * @param items spans, log records or data points
 */
export function buildPayload(signal: Signal, items: number, order: FieldOrder = "collector"): Uint8Array<ArrayBuffer> {
  const builder = new PayloadBuilder(order);
  const { writer } = builder;
  builder.fields(
    () => {
      const start = writer.mark;
      builder.fields(
        () => builder.items(signal, items),
        () => {
          const scope = writer.mark;
          writer.string(1, "load");
          writer.message(1, scope);
        },
      );
      writer.message(2, start);
    },
    () => builder.resource(),
  );
  writer.message(1, 0);
  return writer.finish();
}
