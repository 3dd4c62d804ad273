import { WasmError } from "../runtime/errors.ts";
import type { Signal } from "../telemetry/batch.ts";
import { NO_GRANTS } from "../wasi/grants.ts";
import { type Network, openNetwork } from "../wasi/sockets/network.ts";
import { PluginError } from "./errors.ts";
import type { GuestPlan } from "./guest.ts";
import { instantiateGuest, type PluginGuest } from "./instantiate.ts";
import type { Call, Place, PlaceOwner } from "./place.ts";

/** An instance on the caller's own thread: a call is answered before `consume` returns. */
export class InlinePlace implements Place {
  readonly load = 0;
  readonly #plan: Omit<GuestPlan, "shutdownRequested">;
  readonly #owner: PlaceOwner;
  #guest: PluginGuest | undefined;
  #network: Network | undefined;
  #shutdownRequested = false;

  constructor(plan: Omit<GuestPlan, "shutdownRequested">, owner: PlaceOwner) {
    this.#plan = plan;
    this.#owner = owner;
  }

  /** To call it without a detour. */
  get guest(): PluginGuest | undefined {
    return this.#guest;
  }

  get memoryBytes(): number | undefined {
    return this.#guest?.memoryBytes;
  }

  get footprint(): number {
    return this.memoryBytes ?? 0;
  }

  async open(): Promise<readonly Signal[]> {
    await this.close();
    const wake = new Int32Array(new SharedArrayBuffer(4));
    const { grants = NO_GRANTS } = this.#plan;
    this.#network = openNetwork(grants.network, wake);
    this.#guest = await instantiateGuest({
      ...this.#plan,
      wake,
      network: this.#network?.link,
      shutdownRequested: () => this.#shutdownRequested,
    });
    return this.#guest.supportedSignals;
  }

  async start(): Promise<void> {
    this.#guest?.start();
  }

  consume(call: Call): void {
    const guest = this.#guest;
    if (guest === undefined) {
      this.#owner.returned(call);
      return;
    }
    let results: readonly Uint8Array[] | undefined;
    try {
      results = guest.consume(call.signal, call.bytes);
    } catch (error) {
      this.failed(call, error as PluginError);
      return;
    }
    this.#owner.answered(call, results);
  }

  /** @param error what the guest's `consume` threw */
  failed(call: Call, error: PluginError): void {
    const broken = this.#guest?.failed ?? true;
    this.#owner.failed(call, error, broken);
    const late = error.cause instanceof WasmError && error.cause.code === "deadline";
    if (broken) this.#owner.broke(error, late ? "ran past its deadline" : "trapped");
  }

  async receive(signal: Signal): Promise<string> {
    throw new PluginError("a receiver's loop cannot run inline", {
      componentId: this.#plan.id,
      function: `start_${signal}_receiver`,
      permanent: true,
    });
  }

  takeRefused(): number {
    return 0;
  }

  requestShutdown(): void {
    this.#shutdownRequested = true;
  }

  async shutdown(): Promise<void> {
    this.#guest?.shutdown();
  }

  async close(): Promise<void> {
    const guest = this.#guest;
    this.#guest = undefined;
    await guest?.close();
    const network = this.#network;
    this.#network = undefined;
    await network?.release(this.#plan.logger);
  }
}
