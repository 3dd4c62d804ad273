import assert from "node:assert/strict";
import { once } from "node:events";
import { setImmediate as turn } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import type { RuntimeConfig } from "../../../runtime/registry.ts";
import type { NetworkGrant } from "../../grants.ts";
import { wakeUp } from "../../wait.ts";
import { Family, formatAddress } from "../address.ts";
import { type Network, openNetwork } from "../network.ts";
import type { Endpoint } from "../protocol.ts";
import { At, addressIn, addressList, addressOf, fromBuffer, iovec, subscriptions, target } from "./memory.ts";
import { socketModule, type Version } from "./module.ts";
import type { Step, StepAnswer, ThreadPlan } from "./thread.ts";

export const Type = { datagram: 1, stream: 2 } as const;

export interface SocketGuestOptions {
  readonly network?: Partial<NetworkGrant>;
  readonly version?: Version;
  readonly runtimeConfig?: RuntimeConfig;
  /** Default: `socketModule`. */
  readonly binary?: Uint8Array;
}

export interface PollEvent {
  readonly fd: number;
  readonly type: "clock" | "read" | "write";
  readonly error: number;
  readonly bytes: number;
  readonly hangup: boolean;
}

/** A guest on a thread of its own; what it is called for may block it. */
export class SocketGuest implements AsyncDisposable {
  readonly lines: string[] = [];
  readonly #worker: Worker;
  readonly #network: Network | undefined;
  readonly #wake: Int32Array;
  readonly #shutdown: Int32Array;
  readonly #version: Version;
  readonly #waiting: ((answer: StepAnswer) => void)[] = [];

  static async start(options: SocketGuestOptions = {}): Promise<SocketGuest> {
    const guest = new SocketGuest(options);
    await once(guest.#worker, "online");
    return guest;
  }

  private constructor({ network = {}, version = 2, runtimeConfig = {}, binary }: SocketGuestOptions) {
    this.#version = version;
    this.#wake = new Int32Array(new SharedArrayBuffer(4));
    this.#shutdown = new Int32Array(new SharedArrayBuffer(4));
    const granted: NetworkGrant = { listen: [], connect: [], resolve: [], ...network };
    this.#network = openNetwork(granted, this.#wake);
    const link = this.#network?.link;
    const plan: ThreadPlan = {
      runtimeConfig,
      binary: binary ?? socketModule(version),
      network: granted,
      link,
      wake: this.#wake,
      shutdown: this.#shutdown,
    };
    this.#worker = new Worker(new URL("./thread.ts", import.meta.url), {
      workerData: plan,
      transferList: link === undefined ? [] : [link.port],
    });
    this.#worker.on("message", (answer: StepAnswer) => {
      if ("line" in answer) this.lines.push(answer.line);
      else this.#waiting.shift()?.(answer);
    });
  }

  /** Returns when the guest's thread waits in a call. It is woken by that, and waits again. */
  async waits(): Promise<void> {
    while (Atomics.notify(this.#wake, 0) === 0) await turn();
  }

  /** As the owner of a plugin does it. */
  requestShutdown(): void {
    Atomics.store(this.#shutdown, 0, 1);
    wakeUp(this.#wake);
  }

  /** Ends the thread whatever it does, and waits until its sockets are closed. */
  async terminate(): Promise<void> {
    await this.#worker.terminate();
    await this.#network?.release();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.terminate();
  }

  /** The instance closes what it has open; its thread ends by itself. */
  async close(): Promise<void> {
    this.#worker.postMessage("close");
    await once(this.#worker, "exit");
  }

  async step(step: Partial<Step> & { readonly name: string }): Promise<Exclude<StepAnswer, { readonly line: string }>> {
    const answer = new Promise<StepAnswer>((resolve) => this.#waiting.push(resolve));
    this.#worker.postMessage({ params: [], writes: [], reads: [], ...step } satisfies Step);
    const got = await answer;
    assert.ok(!("line" in got));
    return got;
  }

  /** @returns the errno, and what was read after the call */
  async call(
    name: string,
    params: readonly number[],
    { writes = [], reads = [] }: { readonly writes?: Step["writes"]; readonly reads?: Step["reads"] } = {},
  ): Promise<{ readonly errno: number; readonly reads: readonly Buffer[] }> {
    const answer = await this.step({ name, params, writes, reads });
    if ("trap" in answer) assert.fail(`${name} trapped: ${answer.trap}`);
    return { errno: answer.result, reads: answer.reads.map((bytes) => Buffer.from(bytes)) };
  }

  async open(type: number = Type.stream, family: number = Family.inet, nonblocking = false): Promise<number> {
    const { errno, reads } = await this.call("sock_open", [family, type, At.result], {
      reads: [{ at: At.result, size: 4 }],
    });
    assert.equal(errno, 0, `sock_open: ${errno}`);
    const fd = reads[0]!.readUInt32LE();
    if (nonblocking) await this.setNonblocking(fd);
    return fd;
  }

  async setNonblocking(fd: number): Promise<void> {
    assert.equal((await this.call("fd_fdstat_set_flags", [fd, 4])).errno, 0);
  }

  async bind(fd: number, host: string, port: number): Promise<number> {
    return (await this.call("sock_bind", [fd, At.address, port], { writes: addressOf(host) })).errno;
  }

  async connect(fd: number, { host, port }: Endpoint): Promise<number> {
    return (await this.call("sock_connect", [fd, At.address, port], { writes: addressOf(host) })).errno;
  }

  async listen(fd: number, backlog = 128): Promise<number> {
    return (await this.call("sock_listen", [fd, backlog])).errno;
  }

  /** Opens, binds and listens. */
  async server(
    host = "127.0.0.1",
    port = 0,
    nonblocking = false,
  ): Promise<{ readonly fd: number; readonly local: Endpoint }> {
    const family = host.includes(":") ? Family.inet6 : Family.inet;
    const fd = await this.open(Type.stream, family, nonblocking);
    assert.equal(await this.bind(fd, host, port), 0);
    assert.equal(await this.listen(fd), 0);
    return { fd, local: await this.local(fd) };
  }

  async accept(fd: number, flags = 0): Promise<{ readonly errno: number; readonly fd: number }> {
    const params = this.#version === 1 ? [fd, At.result] : [fd, flags, At.result];
    const { errno, reads } = await this.call("sock_accept", params, { reads: [{ at: At.result, size: 4 }] });
    return { errno, fd: reads[0]!.readUInt32LE() };
  }

  async accepted(fd: number, flags = 0): Promise<number> {
    const { errno, fd: connection } = await this.accept(fd, flags);
    assert.equal(errno, 0);
    return connection;
  }

  async send(
    fd: number,
    text: string | Uint8Array,
    name: "sock_send" | "fd_write" = "sock_send",
  ): Promise<{ errno: number; size: number }> {
    const bytes = Buffer.from(text);
    const params = name === "fd_write" ? [fd, At.iovec, 1, At.size] : [fd, At.iovec, 1, 0, At.size];
    const { errno, reads } = await this.call(name, params, {
      writes: [{ at: At.data, bytes }, iovec(bytes.length), { at: At.size, bytes: new Uint8Array(4) }],
      reads: [{ at: At.size, size: 4 }],
    });
    return { errno, size: reads[0]!.readUInt32LE() };
  }

  async receive(
    fd: number,
    size = 65_536,
    { name = "sock_recv", flags = 0 }: { readonly name?: "sock_recv" | "fd_read"; readonly flags?: number } = {},
  ): Promise<{ errno: number; bytes: Buffer }> {
    const params = name === "fd_read" ? [fd, At.iovec, 1, At.size] : [fd, At.iovec, 1, flags, At.size, At.kind];
    const { errno, reads } = await this.call(name, params, {
      writes: [iovec(size), { at: At.size, bytes: new Uint8Array(4) }],
      reads: [
        { at: At.size, size: 4 },
        { at: At.data, size },
      ],
    });
    return { errno, bytes: reads[1]!.subarray(0, reads[0]!.readUInt32LE()) };
  }

  async receiveText(fd: number): Promise<string> {
    const { errno, bytes } = await this.receive(fd);
    assert.equal(errno, 0);
    return bytes.toString();
  }

  async sendTo(
    fd: number,
    text: string | Uint8Array,
    { host, port }: Endpoint,
  ): Promise<{ errno: number; size: number }> {
    const bytes = Buffer.from(text);
    const { errno, reads } = await this.call("sock_send_to", [fd, At.iovec, 1, At.address, port, 0, At.size], {
      writes: [...addressOf(host), { at: At.data, bytes }, iovec(bytes.length)],
      reads: [{ at: At.size, size: 4 }],
    });
    return { errno, size: reads[0]!.readUInt32LE() };
  }

  async receiveFrom(
    fd: number,
    size = 65_536,
  ): Promise<{ errno: number; bytes: Buffer; from: Endpoint; truncated: boolean }> {
    const { errno, reads } = await this.call(
      "sock_recv_from",
      [fd, At.iovec, 1, At.address, 0, At.port, At.size, At.kind],
      {
        writes: [iovec(size), ...target(128)],
        reads: [
          { at: At.size, size: 4 },
          { at: At.data, size },
          { at: At.addressBuffer, size: 128 },
          { at: At.port, size: 4 },
          { at: At.kind, size: 2 },
        ],
      },
    );
    const [length, bytes, address, port, kind] = reads;
    return {
      errno,
      bytes: bytes!.subarray(0, length!.readUInt32LE()),
      from: { host: errno === 0 ? fromBuffer(address!) : "", port: port!.readUInt32LE() },
      truncated: kind!.readUInt16LE() === 1,
    };
  }

  async local(fd: number): Promise<Endpoint> {
    const { errno, ...endpoint } = await this.endpoint("local", fd);
    assert.equal(errno, 0);
    return endpoint;
  }

  async endpoint(which: "local" | "peer", fd: number): Promise<Endpoint & { readonly errno: number }> {
    const isRaw = this.#version === 1;
    const params = isRaw ? [fd, At.address, At.kind, At.port] : [fd, At.address, At.port];
    const { errno, reads } = await this.call(`sock_get${which}addr`, params, {
      writes: target(isRaw ? 16 : 128),
      reads: [
        { at: At.addressBuffer, size: 128 },
        { at: At.port, size: 4 },
        { at: At.kind, size: 4 },
      ],
    });
    const [address, port, kind] = reads;
    const raw = address!.subarray(0, kind!.readUInt32LE() === 4 ? 4 : 16);
    const host = errno !== 0 ? "" : isRaw ? formatAddress(raw) : fromBuffer(address!);
    return { errno, host, port: port!.readUInt32LE() };
  }

  async shutdown(fd: number, how: number): Promise<number> {
    return (await this.call("sock_shutdown", [fd, how])).errno;
  }

  async closeFd(fd: number): Promise<number> {
    return (await this.call("fd_close", [fd])).errno;
  }

  async option(fd: number, level: number, name: number): Promise<{ errno: number; value: number }> {
    const { errno, reads } =
      this.#version === 1
        ? await this.call("sock_getsockopt", [fd, level, name, At.result, At.size], {
            writes: [{ at: At.size, bytes: Uint8Array.of(4, 0, 0, 0) }],
            reads: [{ at: At.result, size: 4 }],
          })
        : await this.call("sock_getsockopt", [fd, level, name, At.result, 4], { reads: [{ at: At.result, size: 4 }] });
    return { errno, value: reads[0]!.readInt32LE() };
  }

  async setOption(fd: number, level: number, name: number, value: number, size = 4): Promise<number> {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32LE(value);
    return (
      await this.call("sock_setsockopt", [fd, level, name, At.result, size], { writes: [{ at: At.result, bytes }] })
    ).errno;
  }

  /** @param milliseconds of a relative clock, as subscription 0; without it there is none */
  async poll(
    wanted: readonly { readonly fd: number; readonly type: "read" | "write" }[],
    milliseconds?: number,
  ): Promise<PollEvent[]> {
    const count = wanted.length + (milliseconds === undefined ? 0 : 1);
    const output = At.poll + count * 48;
    const { errno, reads } = await this.call("poll_oneoff", [At.poll, output, count, At.size], {
      writes: [{ at: At.poll, bytes: subscriptions(wanted, milliseconds) }],
      reads: [
        { at: At.size, size: 4 },
        { at: output, size: count * 32 },
      ],
    });
    assert.equal(errno, 0);
    const events = reads[1]!;
    return Array.from({ length: reads[0]!.readUInt32LE() }, (_, i) => ({
      fd: Number(events.readBigInt64LE(i * 32)),
      error: events.readUInt16LE(i * 32 + 8),
      type: (["clock", "read", "write"] as const)[events[i * 32 + 10]!]!,
      bytes: Number(events.readBigUInt64LE(i * 32 + 16)),
      hangup: events.readUInt16LE(i * 32 + 24) === 1,
    }));
  }

  /** Until it is ready. */
  async ready(fd: number, type: "read" | "write"): Promise<PollEvent> {
    const [event] = await this.poll([{ fd, type }]);
    return event ?? assert.fail("the wait ended without an event");
  }

  /** @param name without a zero behind it */
  async resolve(
    name: string,
    {
      service = "80",
      flags = 0,
      family = 0,
      limit = 10,
    }: { service?: string; flags?: number; family?: number; limit?: number } = {},
  ): Promise<{ errno: number; found: (Endpoint & { readonly type: number })[] }> {
    const node = Buffer.from(`${name}\0`);
    const port = Buffer.from(service === "" ? "" : `${service}\0`);
    const [texts, hints, nodes] = [At.data, At.data + 2048, At.data + 4096];
    const list = addressList(nodes, limit);
    const hint = Buffer.alloc(28);
    hint.writeUInt16LE(flags, 0);
    hint[2] = family;
    hint[3] = Type.stream;
    const pointer = Buffer.alloc(4);
    pointer.writeUInt32LE(nodes);
    const { errno, reads } = await this.call(
      "sock_getaddrinfo",
      [texts, name === "" ? 0 : node.length, texts + 1024, port.length, hints, At.result, limit, At.size],
      {
        writes: [
          { at: texts, bytes: node },
          { at: texts + 1024, bytes: port },
          { at: hints, bytes: hint },
          { at: nodes, bytes: list },
          { at: At.result, bytes: pointer },
          { at: At.size, bytes: new Uint8Array(4) },
        ],
        reads: [
          { at: At.size, size: 4 },
          { at: nodes, size: list.length },
        ],
      },
    );
    const [count, filled] = reads;
    return { errno, found: Array.from({ length: count!.readUInt32LE() }, (_, i) => addressIn(filled!, i)) };
  }
}
